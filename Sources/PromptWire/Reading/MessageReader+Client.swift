import CPromptWire
import Federation
import PromptAggregation

extension MessageReader {
    func clientMessage(_ wire: Impromptu__V2__ClientEnvelope) throws(WireError) -> ClientMessage {
        try checkProtocol(wire.protocol)
        switch wire.body_case {
        case IMPROMPTU__V2__CLIENT_ENVELOPE__BODY_HELLO: return .hello(try hello(present(wire.hello, "hello")))
        case IMPROMPTU__V2__CLIENT_ENVELOPE__BODY_UPDATE: return .update(try update(present(wire.update, "update")))
        case IMPROMPTU__V2__CLIENT_ENVELOPE__BODY_HEARTBEAT:
            return .heartbeat(try heartbeat(present(wire.heartbeat, "heartbeat"), "heartbeat"))
        case IMPROMPTU__V2__CLIENT_ENVELOPE__BODY_PRESENCE:
            return .presence(try presence(present(wire.presence, "presence")))
        case IMPROMPTU__V2__CLIENT_ENVELOPE__BODY_GOODBYE:
            return .goodbye(try goodbye(present(wire.goodbye, "goodbye")))
        case IMPROMPTU__V2__CLIENT_ENVELOPE__BODY_FAILURE:
            return .failure(try failure(present(wire.failure, "failure")))
        case IMPROMPTU__V2__CLIENT_ENVELOPE__BODY_FETCH: return .fetch(try fetch(present(wire.fetch, "fetch")))
        case IMPROMPTU__V2__CLIENT_ENVELOPE__BODY_EVALUATION:
            return .evaluation(try evaluation(present(wire.evaluation, "evaluation")))
        default:
            throw WireError(
                field: "body",
                problem:
                    "expected one of hello, update, failure, fetch, heartbeat, presence, evaluation, goodbye, found none"
                    + " of them")
        }
    }

    /// Who a message says that it is from, whatever else is wrong with it: of a presence, nobody in particular.
    func sender(_ wire: Impromptu__V2__ClientEnvelope) throws(WireError) -> ClientID {
        switch wire.body_case {
        case IMPROMPTU__V2__CLIENT_ENVELOPE__BODY_HELLO:
            try clientID(present(wire.hello, "hello").client, "hello.client")
        case IMPROMPTU__V2__CLIENT_ENVELOPE__BODY_UPDATE:
            try clientID(present(wire.update, "update").client, "update.client")
        case IMPROMPTU__V2__CLIENT_ENVELOPE__BODY_HEARTBEAT:
            try clientID(present(wire.heartbeat, "heartbeat").client, "heartbeat.client")
        case IMPROMPTU__V2__CLIENT_ENVELOPE__BODY_GOODBYE:
            try clientID(present(wire.goodbye, "goodbye").client, "goodbye.client")
        case IMPROMPTU__V2__CLIENT_ENVELOPE__BODY_FAILURE:
            try clientID(present(wire.failure, "failure").client, "failure.client")
        case IMPROMPTU__V2__CLIENT_ENVELOPE__BODY_FETCH:
            try clientID(present(wire.fetch, "fetch").client, "fetch.client")
        case IMPROMPTU__V2__CLIENT_ENVELOPE__BODY_EVALUATION:
            try clientID(present(wire.evaluation, "evaluation").client, "evaluation.client")
        default: throw WireError(field: "body", problem: "is missing")
        }
    }

    private func hello(_ wire: Impromptu__V2__Hello) throws(WireError) -> ClientMessage.Hello {
        ClientMessage.Hello(
            client: try clientID(wire.client, "hello.client"),
            session: wire.session,
            sampleCount: try count(wire.sample_count, "hello.sample_count"),
            model: try model(wire.model, "hello.model"),
            heldOutCount: try count(wire.held_out_count, "hello.held_out_count"))
    }

    private func update(_ wire: Impromptu__V2__Update) throws(WireError) -> ClientMessage.Update {
        let client = try clientID(wire.client, "update.client")
        let tensors = try messages(wire.tensors, wire.n_tensors, most: limits.tensors, "update.tensors")
        let promptIDs = try array(wire.prompt_ids, wire.n_prompt_ids, most: limits.prompts, "update.prompt_ids")
        let metrics = try messages(wire.metrics, wire.n_metrics, most: limits.metrics, "update.metrics")
        let (parameters, precision) = try parameters(tensors, promptIDs: promptIDs, "update")
        return ClientMessage.Update(
            client: client,
            session: wire.session,
            run: wire.run,
            task: try ordinal(wire.task, "update.task"),
            baseVersion: try version(wire.base_version, "update.base_version"),
            sampleCount: try count(wire.sample_count, "update.sample_count"),
            parameters: parameters,
            promptIDs: promptIDs,
            metrics: try self.metrics(metrics, "update.metrics"),
            precision: precision)
    }

    private func failure(_ wire: Impromptu__V2__Failure) throws(WireError) -> ClientMessage.Failure {
        ClientMessage.Failure(
            client: try clientID(wire.client, "failure.client"),
            session: wire.session,
            task: try ordinal(wire.task, "failure.task"),
            reason: try text(wire.reason, most: limits.failureBytes, "failure.reason"))
    }

    private func fetch(_ wire: Impromptu__V2__Fetch) throws(WireError) -> ClientMessage.Fetch {
        ClientMessage.Fetch(
            client: try clientID(wire.client, "fetch.client"),
            session: wire.session,
            holding: try version(wire.holding, least: -1, "fetch.holding"))
    }

    private func presence(_ wire: Impromptu__V2__Presence) throws(WireError) -> ClientMessage.Presence {
        let found = try messages(wire.heartbeats, wire.n_heartbeats, most: limits.heartbeats, "presence.heartbeats")
        guard !found.isEmpty else {
            throw WireError(field: "presence.heartbeats", problem: "expected at least 1, found 0")
        }
        var heartbeats: [ClientMessage.Heartbeat] = []
        for (index, wire) in found.enumerated() {
            heartbeats.append(try heartbeat(wire, "presence.heartbeats[\(index)]"))
        }
        return ClientMessage.Presence(heartbeats: heartbeats)
    }

    private func heartbeat(_ wire: Impromptu__V2__Heartbeat, _ path: String) throws(WireError)
        -> ClientMessage.Heartbeat
    {
        ClientMessage.Heartbeat(
            client: try clientID(wire.client, "\(path).client"),
            session: wire.session,
            activity: try enumeration(wire.activity, "\(path).activity"),
            task: wire.task,
            outstanding: try count(wire.outstanding, "\(path).outstanding"))
    }

    private func evaluation(_ wire: Impromptu__V2__Evaluation) throws(WireError) -> ClientMessage.Evaluation {
        let total = try array(wire.total, wire.n_total, most: limits.classes, "evaluation.total")
        let correct = try array(wire.correct, wire.n_correct, most: limits.classes, "evaluation.correct")
        return ClientMessage.Evaluation(
            client: try clientID(wire.client, "evaluation.client"),
            session: wire.session,
            version: try version(wire.version, "evaluation.version"),
            loss: wire.loss,
            total: try counts(total, "evaluation.total"),
            correct: try counts(correct, "evaluation.correct"))
    }

    private func counts(_ values: [Int64], _ path: String) throws(WireError) -> [Int] {
        var counts: [Int] = []
        for (index, value) in values.enumerated() { counts.append(try count(value, "\(path)[\(index)]")) }
        return counts
    }

    private func goodbye(_ wire: Impromptu__V2__Goodbye) throws(WireError) -> ClientMessage.Goodbye {
        ClientMessage.Goodbye(client: try clientID(wire.client, "goodbye.client"), session: wire.session)
    }
}
