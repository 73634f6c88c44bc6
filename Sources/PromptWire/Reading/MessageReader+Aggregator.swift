import CPromptWire
import Federation
import PromptAggregation

extension MessageReader {
    func aggregatorMessage(_ wire: Impromptu__V1__AggregatorEnvelope) throws(WireError) -> AggregatorMessage {
        try checkProtocol(wire.protocol)
        switch wire.body_case {
        case IMPROMPTU__V1__AGGREGATOR_ENVELOPE__BODY_WELCOME:
            return .welcome(try welcome(present(wire.welcome, "welcome")))
        case IMPROMPTU__V1__AGGREGATOR_ENVELOPE__BODY_TASK: return .task(try task(present(wire.task, "task")))
        case IMPROMPTU__V1__AGGREGATOR_ENVELOPE__BODY_GLOBAL_PROMPTS:
            return .globalPrompts(
                try globalPrompts(present(wire.global_prompts, "global_prompts"), "global_prompts"))
        case IMPROMPTU__V1__AGGREGATOR_ENVELOPE__BODY_ACK: return .ack(try ack(present(wire.ack, "ack"), "ack"))
        case IMPROMPTU__V1__AGGREGATOR_ENVELOPE__BODY_REJECT:
            return .reject(try reject(present(wire.reject, "reject")))
        case IMPROMPTU__V1__AGGREGATOR_ENVELOPE__BODY_BEACON:
            return .beacon(try beacon(present(wire.beacon, "beacon")))
        default:
            throw WireError(
                field: "body",
                problem: "expected one of welcome, task, global_prompts, ack, reject, beacon, found none of them")
        }
    }

    private func welcome(_ wire: Impromptu__V1__Welcome) throws(WireError) -> AggregatorMessage.Welcome {
        AggregatorMessage.Welcome(
            client: try clientID(wire.client, "welcome.client"),
            session: wire.session,
            version: try version(wire.version, least: -1, "welcome.version"),
            acknowledged: try ack(present(wire.acknowledged, "welcome.acknowledged"), "welcome.acknowledged"),
            heartbeatMilliseconds: try count(
                wire.heartbeat_milliseconds, least: 1, "welcome.heartbeat_milliseconds"))
    }

    private func task(_ wire: Impromptu__V1__Task) throws(WireError) -> AggregatorMessage.Task {
        AggregatorMessage.Task(
            client: try clientID(wire.client, "task.client"),
            number: try ordinal(wire.number, "task.number"),
            version: try version(wire.version, "task.version"),
            seed: wire.seed,
            plan: try plan(present(wire.plan, "task.plan"), "task.plan"))
    }

    func globalPrompts(
        _ wire: Impromptu__V1__GlobalPrompts, _ path: String
    ) throws(WireError) -> AggregatorMessage.GlobalPrompts {
        let tensors = try messages(wire.tensors, wire.n_tensors, most: limits.tensors, "\(path).tensors")
        let promptIDs = try array(wire.prompt_ids, wire.n_prompt_ids, most: limits.prompts, "\(path).prompt_ids")
        return AggregatorMessage.GlobalPrompts(
            version: try version(wire.version, "\(path).version"),
            state: PromptState(
                parameters: try parameters(tensors, promptIDs: promptIDs, path), promptIDs: promptIDs))
    }

    private func ack(_ wire: Impromptu__V1__Ack, _ path: String) throws(WireError) -> AggregatorMessage.Ack {
        let client = try clientID(wire.client, "\(path).client")
        let ahead = try array(wire.ahead, wire.n_ahead, most: limits.ahead, "\(path).ahead")
        for (index, sequence) in ahead.enumerated() {
            let before = index == 0 ? wire.contiguous : ahead[index - 1]
            guard sequence > before else {
                throw WireError(
                    field: "\(path).ahead[\(index)]", problem: "expected more than \(before), found \(sequence)")
            }
        }
        return AggregatorMessage.Ack(
            client: client, session: wire.session, contiguous: wire.contiguous, ahead: ahead)
    }

    private func reject(_ wire: Impromptu__V1__Reject) throws(WireError) -> AggregatorMessage.Reject {
        AggregatorMessage.Reject(
            client: try clientID(wire.client, "reject.client"),
            session: wire.session,
            sequence: wire.sequence,
            code: try enumeration(wire.code, "reject.code"),
            reason: try text(wire.reason, most: limits.reasonBytes, "reject.reason"),
            retryable: wire.retryable != 0)
    }

    private func beacon(_ wire: Impromptu__V1__Beacon) throws(WireError) -> AggregatorMessage.Beacon {
        let metrics = try messages(wire.metrics, wire.n_metrics, most: limits.metrics, "beacon.metrics")
        return AggregatorMessage.Beacon(
            phase: try enumeration(wire.phase, "beacon.phase"),
            version: try version(wire.version, least: -1, "beacon.version"),
            updates: try count(wire.updates, "beacon.updates"),
            lateUpdates: try count(wire.late_updates, "beacon.late_updates"),
            clientsAlive: try count(wire.clients_alive, "beacon.clients_alive"),
            inFlight: try count(wire.in_flight, "beacon.in_flight"),
            buffered: try count(wire.buffered, "beacon.buffered"),
            pool: try count(wire.pool, "beacon.pool"),
            metrics: try self.metrics(metrics, "beacon.metrics"))
    }
}
