import CPromptWire
import Federation
import PromptAggregation

extension MessageReader {
    func aggregatorEnvelope(_ wire: Impromptu__V2__AggregatorEnvelope) throws(WireError) -> AggregatorEnvelope {
        try checkProtocol(wire.protocol)
        let origin = Origin(run: wire.run, epoch: try ordinal(wire.epoch, "epoch"))
        return AggregatorEnvelope(origin: origin, message: try aggregatorMessage(wire))
    }

    private func aggregatorMessage(_ wire: Impromptu__V2__AggregatorEnvelope) throws(WireError) -> AggregatorMessage {
        switch wire.body_case {
        case IMPROMPTU__V2__AGGREGATOR_ENVELOPE__BODY_WELCOME:
            return .welcome(try welcome(present(wire.welcome, "welcome")))
        case IMPROMPTU__V2__AGGREGATOR_ENVELOPE__BODY_TASK: return .task(try task(present(wire.task, "task")))
        case IMPROMPTU__V2__AGGREGATOR_ENVELOPE__BODY_PROMPTS:
            return .prompts(try prompts(present(wire.prompts, "prompts")))
        case IMPROMPTU__V2__AGGREGATOR_ENVELOPE__BODY_ACK: return .ack(try ack(present(wire.ack, "ack")))
        case IMPROMPTU__V2__AGGREGATOR_ENVELOPE__BODY_REJECT:
            return .reject(try reject(present(wire.reject, "reject")))
        case IMPROMPTU__V2__AGGREGATOR_ENVELOPE__BODY_BEACON:
            return .beacon(try beacon(present(wire.beacon, "beacon")))
        case IMPROMPTU__V2__AGGREGATOR_ENVELOPE__BODY_REFUSE:
            return .refuse(try refuse(present(wire.refuse, "refuse")))
        case IMPROMPTU__V2__AGGREGATOR_ENVELOPE__BODY_SAY_HELLO:
            return .sayHello(try sayHello(present(wire.say_hello, "say_hello")))
        case IMPROMPTU__V2__AGGREGATOR_ENVELOPE__BODY_MALFORMED:
            return .malformed(try malformed(present(wire.malformed, "malformed")))
        case IMPROMPTU__V2__AGGREGATOR_ENVELOPE__BODY_EVALUATE:
            return .evaluate(try evaluate(present(wire.evaluate, "evaluate"), "evaluate"))
        default:
            throw WireError(
                field: "body",
                problem: "expected one of welcome, task, prompts, evaluate, ack, reject, refuse, say_hello, beacon,"
                    + " malformed, found none of them")
        }
    }

    private func welcome(_ wire: Impromptu__V2__Welcome) throws(WireError) -> AggregatorMessage.Welcome {
        AggregatorMessage.Welcome(
            client: try clientID(wire.client, "welcome.client"),
            session: wire.session,
            version: try version(wire.version, least: -1, "welcome.version"),
            heartbeatMilliseconds: try count(
                wire.heartbeat_milliseconds, least: 1, "welcome.heartbeat_milliseconds"),
            precision: try enumeration(wire.dtype, "welcome.dtype"),
            modelDigest: try text(wire.model_digest, most: limits.labelBytes, "welcome.model_digest"))
    }

    private func task(_ wire: Impromptu__V2__Task) throws(WireError) -> AggregatorMessage.Task {
        AggregatorMessage.Task(
            client: try clientID(wire.client, "task.client"),
            session: wire.session,
            number: try ordinal(wire.number, "task.number"),
            version: try version(wire.version, "task.version"),
            seed: wire.seed,
            plan: try plan(present(wire.plan, "task.plan"), "task.plan"))
    }

    func globalPrompts(
        _ wire: Impromptu__V2__GlobalPrompts, _ path: String
    ) throws(WireError) -> AggregatorMessage.GlobalPrompts {
        let state = try state(wire.tensors, wire.n_tensors, wire.prompt_ids, wire.n_prompt_ids, path)
        guard state.precision == .float32 else {
            throw WireError(field: "\(path).tensors", problem: "expected a whole state in F32, found F16")
        }
        return AggregatorMessage.GlobalPrompts(
            version: try version(wire.version, "\(path).version"), state: state.state)
    }

    private func state(
        _ tensors: UnsafeMutablePointer<UnsafeMutablePointer<Impromptu__V2__Tensor>?>?, _ count: Int,
        _ identities: UnsafeMutablePointer<UInt64>?, _ identityCount: Int, _ path: String
    ) throws(WireError) -> (state: PromptState, precision: Precision) {
        let tensors = try messages(tensors, count, most: limits.tensors, "\(path).tensors")
        let promptIDs = try array(identities, identityCount, most: limits.prompts, "\(path).prompt_ids")
        let (parameters, precision) = try parameters(tensors, promptIDs: promptIDs, path)
        return (PromptState(parameters: parameters, promptIDs: promptIDs), precision)
    }

    private func prompts(_ wire: Impromptu__V2__Prompts) throws(WireError) -> AggregatorMessage.Prompts {
        let (state, precision) = try state(
            wire.tensors, wire.n_tensors, wire.prompt_ids, wire.n_prompt_ids, "prompts")
        let version = try version(wire.version, "prompts.version")
        var unchanged: [AggregatorMessage.Prompts.Unchanged] = []
        let found = try messages(
            wire.unchanged, wire.n_unchanged, most: limits.tensors - state.parameters.entries.count, "prompts.unchanged"
        )
        for (index, tensor) in found.enumerated() {
            let path = "prompts.unchanged[\(index)]"
            let name = try name(tensor.name, "\(path).name")
            let since = try self.version(tensor.since, "\(path).since")
            guard since < version else {
                throw WireError(field: "\(path).since", problem: "expected less than \(version), found \(since)")
            }
            if let last = unchanged.last, last.name >= name {
                throw WireError(field: "\(path).name", problem: "expected one behind '\(last.name)', found '\(name)'")
            }
            guard state.parameters[name] == nil else {
                throw WireError(field: "\(path).name", problem: "expected one that was left out, found '\(name)'")
            }
            unchanged.append(.init(name: name, since: since))
        }
        return AggregatorMessage.Prompts(
            version: version, changed: state, unchanged: unchanged, precision: precision)
    }

    private func ack(_ wire: Impromptu__V2__Ack) throws(WireError) -> AggregatorMessage.Ack {
        AggregatorMessage.Ack(
            client: try clientID(wire.client, "ack.client"), task: try ordinal(wire.task, "ack.task"))
    }

    private func reject(_ wire: Impromptu__V2__Reject) throws(WireError) -> AggregatorMessage.Reject {
        AggregatorMessage.Reject(
            client: try clientID(wire.client, "reject.client"),
            run: wire.run,
            task: try ordinal(wire.task, "reject.task"),
            code: try enumeration(wire.code, "reject.code"),
            reason: try text(wire.reason, most: limits.reasonBytes, "reject.reason"))
    }

    private func refuse(_ wire: Impromptu__V2__Refuse) throws(WireError) -> AggregatorMessage.Refuse {
        AggregatorMessage.Refuse(
            client: try clientID(wire.client, "refuse.client"),
            session: wire.session,
            code: try enumeration(wire.code, "refuse.code"),
            reason: try text(wire.reason, most: limits.reasonBytes, "refuse.reason"))
    }

    private func sayHello(_ wire: Impromptu__V2__SayHello) throws(WireError) -> AggregatorMessage.SayHello {
        AggregatorMessage.SayHello(client: try clientID(wire.client, "say_hello.client"), session: wire.session)
    }

    private func malformed(_ wire: Impromptu__V2__Malformed) throws(WireError) -> AggregatorMessage.Malformed {
        AggregatorMessage.Malformed(
            client: try clientID(wire.client, "malformed.client"),
            reason: try text(wire.reason, most: limits.reasonBytes, "malformed.reason"))
    }

    private func beacon(_ wire: Impromptu__V2__Beacon) throws(WireError) -> AggregatorMessage.Beacon {
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
            metrics: try self.metrics(metrics, "beacon.metrics"),
            evaluate: try wire.evaluate.map { order throws(WireError) in
                try evaluate(order.pointee, "beacon.evaluate")
            })
    }

    private func evaluate(
        _ wire: Impromptu__V2__Evaluate, _ path: String
    ) throws(WireError) -> AggregatorMessage.Evaluate {
        .init(version: try version(wire.version, "\(path).version"))
    }
}
