import CPromptWire
import Federation
import PromptAggregation

extension MessageWriter {
    func envelope(
        _ content: AggregatorMessage, from origin: Origin
    ) -> UnsafeMutablePointer<Impromptu__V2__AggregatorEnvelope> {
        message(impromptu__v2__aggregator_envelope__init) {
            $0.protocol = UInt32(protocolVersion)
            $0.run = origin.run
            $0.epoch = origin.epoch
            switch content {
            case .welcome(let welcome):
                $0.body_case = IMPROMPTU__V2__AGGREGATOR_ENVELOPE__BODY_WELCOME
                $0.welcome = self.welcome(welcome)
            case .task(let task):
                $0.body_case = IMPROMPTU__V2__AGGREGATOR_ENVELOPE__BODY_TASK
                $0.task = self.task(task)
            case .prompts(let prompts):
                $0.body_case = IMPROMPTU__V2__AGGREGATOR_ENVELOPE__BODY_PROMPTS
                $0.prompts = self.prompts(prompts)
            case .ack(let ack):
                $0.body_case = IMPROMPTU__V2__AGGREGATOR_ENVELOPE__BODY_ACK
                $0.ack = self.ack(ack)
            case .reject(let reject):
                $0.body_case = IMPROMPTU__V2__AGGREGATOR_ENVELOPE__BODY_REJECT
                $0.reject = self.reject(reject)
            case .refuse(let refuse):
                $0.body_case = IMPROMPTU__V2__AGGREGATOR_ENVELOPE__BODY_REFUSE
                $0.refuse = self.refuse(refuse)
            case .sayHello(let wanted):
                $0.body_case = IMPROMPTU__V2__AGGREGATOR_ENVELOPE__BODY_SAY_HELLO
                $0.say_hello = self.sayHello(wanted)
            case .malformed(let malformed):
                $0.body_case = IMPROMPTU__V2__AGGREGATOR_ENVELOPE__BODY_MALFORMED
                $0.malformed = self.malformed(malformed)
            case .evaluate(let order):
                $0.body_case = IMPROMPTU__V2__AGGREGATOR_ENVELOPE__BODY_EVALUATE
                $0.evaluate = self.evaluate(order)
            case .beacon(let beacon):
                $0.body_case = IMPROMPTU__V2__AGGREGATOR_ENVELOPE__BODY_BEACON
                $0.beacon = self.beacon(beacon)
            }
        }
    }

    private func evaluate(_ order: AggregatorMessage.Evaluate) -> UnsafeMutablePointer<Impromptu__V2__Evaluate> {
        message(impromptu__v2__evaluate__init) { $0.version = Int64(order.version) }
    }

    private func welcome(_ welcome: AggregatorMessage.Welcome) -> UnsafeMutablePointer<Impromptu__V2__Welcome> {
        message(impromptu__v2__welcome__init) {
            $0.client = text(welcome.client.name)
            $0.session = welcome.session
            $0.version = Int64(welcome.version)
            $0.heartbeat_milliseconds = Int64(welcome.heartbeatMilliseconds)
            $0.dtype = welcome.precision.wire
            $0.model_digest = text(welcome.modelDigest)
        }
    }

    private func task(_ task: AggregatorMessage.Task) -> UnsafeMutablePointer<Impromptu__V2__Task> {
        message(impromptu__v2__task__init) {
            $0.client = text(task.client.name)
            $0.session = task.session
            $0.number = task.number
            $0.version = Int64(task.version)
            $0.seed = task.seed
            $0.plan = plan(task.plan)
        }
    }

    func globalPrompts(
        _ prompts: AggregatorMessage.GlobalPrompts
    ) -> UnsafeMutablePointer<Impromptu__V2__GlobalPrompts> {
        message(impromptu__v2__global_prompts__init) {
            $0.version = Int64(prompts.version)
            $0.n_tensors = prompts.state.parameters.entries.count
            $0.tensors = messages(prompts.state.parameters.entries) { tensor($0, .float32) }
            $0.n_prompt_ids = prompts.state.promptIDs.count
            $0.prompt_ids = array(prompts.state.promptIDs)
        }
    }

    private func prompts(_ prompts: AggregatorMessage.Prompts) -> UnsafeMutablePointer<Impromptu__V2__Prompts> {
        message(impromptu__v2__prompts__init) {
            $0.version = Int64(prompts.version)
            $0.n_tensors = prompts.changed.parameters.entries.count
            $0.tensors = messages(prompts.changed.parameters.entries) { tensor($0, prompts.precision) }
            $0.n_prompt_ids = prompts.changed.promptIDs.count
            $0.prompt_ids = array(prompts.changed.promptIDs)
            $0.n_unchanged = prompts.unchanged.count
            $0.unchanged = messages(prompts.unchanged) { unchanged in
                message(impromptu__v2__unchanged__init) {
                    $0.name = text(unchanged.name)
                    $0.since = Int64(unchanged.since)
                }
            }
        }
    }

    private func ack(_ ack: AggregatorMessage.Ack) -> UnsafeMutablePointer<Impromptu__V2__Ack> {
        message(impromptu__v2__ack__init) {
            $0.client = text(ack.client.name)
            $0.task = ack.task
        }
    }

    private func reject(_ reject: AggregatorMessage.Reject) -> UnsafeMutablePointer<Impromptu__V2__Reject> {
        message(impromptu__v2__reject__init) {
            $0.client = text(reject.client.name)
            $0.run = reject.run
            $0.task = reject.task
            $0.code = reject.code.wire
            $0.reason = text(reject.reason)
        }
    }

    private func refuse(_ refuse: AggregatorMessage.Refuse) -> UnsafeMutablePointer<Impromptu__V2__Refuse> {
        message(impromptu__v2__refuse__init) {
            $0.client = text(refuse.client.name)
            $0.session = refuse.session
            $0.code = refuse.code.wire
            $0.reason = text(refuse.reason)
        }
    }

    private func sayHello(_ wanted: AggregatorMessage.SayHello) -> UnsafeMutablePointer<Impromptu__V2__SayHello> {
        message(impromptu__v2__say_hello__init) {
            $0.client = text(wanted.client.name)
            $0.session = wanted.session
        }
    }

    private func malformed(_ malformed: AggregatorMessage.Malformed) -> UnsafeMutablePointer<Impromptu__V2__Malformed> {
        message(impromptu__v2__malformed__init) {
            $0.client = text(malformed.client.name)
            $0.reason = text(malformed.reason)
        }
    }

    private func beacon(_ beacon: AggregatorMessage.Beacon) -> UnsafeMutablePointer<Impromptu__V2__Beacon> {
        message(impromptu__v2__beacon__init) {
            $0.phase = beacon.phase.wire
            $0.version = Int64(beacon.version)
            $0.updates = Int64(beacon.updates)
            $0.late_updates = Int64(beacon.lateUpdates)
            $0.clients_alive = Int64(beacon.clientsAlive)
            $0.in_flight = Int64(beacon.inFlight)
            $0.buffered = Int64(beacon.buffered)
            $0.pool = Int64(beacon.pool)
            $0.n_metrics = beacon.metrics.count
            $0.metrics = messages(beacon.metrics, metric)
            $0.evaluate = beacon.evaluate.map(evaluate)
        }
    }
}
