import CPromptWire
import Federation
import PromptAggregation

extension MessageReader {
    func clientMessage(_ wire: Impromptu__V1__ClientEnvelope) throws(WireError) -> ClientMessage {
        try checkProtocol(wire.protocol)
        switch wire.body_case {
        case IMPROMPTU__V1__CLIENT_ENVELOPE__BODY_HELLO: return .hello(try hello(present(wire.hello, "hello")))
        case IMPROMPTU__V1__CLIENT_ENVELOPE__BODY_UPDATE: return .update(try update(present(wire.update, "update")))
        case IMPROMPTU__V1__CLIENT_ENVELOPE__BODY_HEARTBEAT:
            return .heartbeat(try heartbeat(present(wire.heartbeat, "heartbeat")))
        case IMPROMPTU__V1__CLIENT_ENVELOPE__BODY_GOODBYE:
            return .goodbye(try goodbye(present(wire.goodbye, "goodbye")))
        default:
            throw WireError(
                field: "body", problem: "expected one of hello, update, heartbeat, goodbye, found none of them")
        }
    }

    private func hello(_ wire: Impromptu__V1__Hello) throws(WireError) -> ClientMessage.Hello {
        ClientMessage.Hello(
            client: try clientID(wire.client, "hello.client"),
            session: wire.session,
            lastVersion: try version(wire.last_version, least: -1, "hello.last_version"),
            sampleCount: try count(wire.sample_count, "hello.sample_count"),
            encoderDigest: try text(wire.encoder_digest, most: limits.labelBytes, "hello.encoder_digest"))
    }

    private func update(_ wire: Impromptu__V1__Update) throws(WireError) -> ClientMessage.Update {
        let client = try clientID(wire.client, "update.client")
        let tensors = try messages(wire.tensors, wire.n_tensors, most: limits.tensors, "update.tensors")
        let promptIDs = try array(wire.prompt_ids, wire.n_prompt_ids, most: limits.prompts, "update.prompt_ids")
        let metrics = try messages(wire.metrics, wire.n_metrics, most: limits.metrics, "update.metrics")
        return ClientMessage.Update(
            client: client,
            session: wire.session,
            sequence: try ordinal(wire.sequence, "update.sequence"),
            task: try ordinal(wire.task, "update.task"),
            baseVersion: try version(wire.base_version, "update.base_version"),
            sampleCount: try count(wire.sample_count, "update.sample_count"),
            parameters: try parameters(tensors, promptIDs: promptIDs, "update"),
            promptIDs: promptIDs,
            metrics: try self.metrics(metrics, "update.metrics"))
    }

    private func heartbeat(_ wire: Impromptu__V1__Heartbeat) throws(WireError) -> ClientMessage.Heartbeat {
        ClientMessage.Heartbeat(
            client: try clientID(wire.client, "heartbeat.client"),
            session: wire.session,
            activity: try enumeration(wire.activity, "heartbeat.activity"),
            lastVersion: try version(wire.last_version, least: -1, "heartbeat.last_version"),
            task: wire.task,
            outstanding: try count(wire.outstanding, "heartbeat.outstanding"))
    }

    private func goodbye(_ wire: Impromptu__V1__Goodbye) throws(WireError) -> ClientMessage.Goodbye {
        ClientMessage.Goodbye(client: try clientID(wire.client, "goodbye.client"), session: wire.session)
    }
}
