import CPromptWire
import Federation
import PromptAggregation

extension MessageWriter {
    func envelope(
        _ content: AggregatorMessage, incarnation: UInt64
    ) -> UnsafeMutablePointer<Impromptu__V1__AggregatorEnvelope> {
        message(impromptu__v1__aggregator_envelope__init) {
            $0.protocol = UInt32(protocolVersion)
            $0.incarnation = incarnation
            switch content {
            case .welcome(let welcome):
                $0.body_case = IMPROMPTU__V1__AGGREGATOR_ENVELOPE__BODY_WELCOME
                $0.welcome = self.welcome(welcome)
            case .task(let task):
                $0.body_case = IMPROMPTU__V1__AGGREGATOR_ENVELOPE__BODY_TASK
                $0.task = self.task(task)
            case .globalPrompts(let prompts):
                $0.body_case = IMPROMPTU__V1__AGGREGATOR_ENVELOPE__BODY_GLOBAL_PROMPTS
                $0.global_prompts = self.globalPrompts(prompts)
            case .ack(let ack):
                $0.body_case = IMPROMPTU__V1__AGGREGATOR_ENVELOPE__BODY_ACK
                $0.ack = self.ack(ack)
            case .reject(let reject):
                $0.body_case = IMPROMPTU__V1__AGGREGATOR_ENVELOPE__BODY_REJECT
                $0.reject = self.reject(reject)
            case .beacon(let beacon):
                $0.body_case = IMPROMPTU__V1__AGGREGATOR_ENVELOPE__BODY_BEACON
                $0.beacon = self.beacon(beacon)
            }
        }
    }

    private func welcome(_ welcome: AggregatorMessage.Welcome) -> UnsafeMutablePointer<Impromptu__V1__Welcome> {
        message(impromptu__v1__welcome__init) {
            $0.client = text(welcome.client.name)
            $0.session = welcome.session
            $0.version = Int64(welcome.version)
            $0.acknowledged = ack(welcome.acknowledged)
            $0.heartbeat_milliseconds = Int64(welcome.heartbeatMilliseconds)
        }
    }

    private func task(_ task: AggregatorMessage.Task) -> UnsafeMutablePointer<Impromptu__V1__Task> {
        message(impromptu__v1__task__init) {
            $0.client = text(task.client.name)
            $0.number = task.number
            $0.version = Int64(task.version)
            $0.seed = task.seed
            $0.plan = plan(task.plan)
        }
    }

    func globalPrompts(
        _ prompts: AggregatorMessage.GlobalPrompts
    ) -> UnsafeMutablePointer<Impromptu__V1__GlobalPrompts> {
        message(impromptu__v1__global_prompts__init) {
            $0.version = Int64(prompts.version)
            $0.n_tensors = prompts.state.parameters.entries.count
            $0.tensors = messages(prompts.state.parameters.entries, tensor)
            $0.n_prompt_ids = prompts.state.promptIDs.count
            $0.prompt_ids = array(prompts.state.promptIDs)
        }
    }

    private func ack(_ ack: AggregatorMessage.Ack) -> UnsafeMutablePointer<Impromptu__V1__Ack> {
        message(impromptu__v1__ack__init) {
            $0.client = text(ack.client.name)
            $0.session = ack.session
            $0.contiguous = ack.contiguous
            $0.n_ahead = ack.ahead.count
            $0.ahead = array(ack.ahead)
        }
    }

    private func reject(_ reject: AggregatorMessage.Reject) -> UnsafeMutablePointer<Impromptu__V1__Reject> {
        message(impromptu__v1__reject__init) {
            $0.client = text(reject.client.name)
            $0.session = reject.session
            $0.sequence = reject.sequence
            $0.code = reject.code.wire
            $0.reason = text(reject.reason)
            $0.retryable = reject.retryable ? 1 : 0
        }
    }

    private func beacon(_ beacon: AggregatorMessage.Beacon) -> UnsafeMutablePointer<Impromptu__V1__Beacon> {
        message(impromptu__v1__beacon__init) {
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
        }
    }
}
