import CPromptWire
import Federation
import PromptAggregation

extension MessageWriter {
    func envelope(_ content: ClientMessage) -> UnsafeMutablePointer<Impromptu__V2__ClientEnvelope> {
        message(impromptu__v2__client_envelope__init) {
            $0.protocol = UInt32(protocolVersion)
            switch content {
            case .hello(let hello):
                $0.body_case = IMPROMPTU__V2__CLIENT_ENVELOPE__BODY_HELLO
                $0.hello = self.hello(hello)
            case .update(let update):
                $0.body_case = IMPROMPTU__V2__CLIENT_ENVELOPE__BODY_UPDATE
                $0.update = self.update(update)
            case .heartbeat(let heartbeat):
                $0.body_case = IMPROMPTU__V2__CLIENT_ENVELOPE__BODY_HEARTBEAT
                $0.heartbeat = self.heartbeat(heartbeat)
            case .presence(let presence):
                $0.body_case = IMPROMPTU__V2__CLIENT_ENVELOPE__BODY_PRESENCE
                $0.presence = self.presence(presence)
            case .failure(let failure):
                $0.body_case = IMPROMPTU__V2__CLIENT_ENVELOPE__BODY_FAILURE
                $0.failure = self.failure(failure)
            case .fetch(let fetch):
                $0.body_case = IMPROMPTU__V2__CLIENT_ENVELOPE__BODY_FETCH
                $0.fetch = self.fetch(fetch)
            case .evaluation(let evaluation):
                $0.body_case = IMPROMPTU__V2__CLIENT_ENVELOPE__BODY_EVALUATION
                $0.evaluation = self.evaluation(evaluation)
            case .goodbye(let goodbye):
                $0.body_case = IMPROMPTU__V2__CLIENT_ENVELOPE__BODY_GOODBYE
                $0.goodbye = self.goodbye(goodbye)
            }
        }
    }

    private func hello(_ hello: ClientMessage.Hello) -> UnsafeMutablePointer<Impromptu__V2__Hello> {
        message(impromptu__v2__hello__init) {
            $0.client = text(hello.client.name)
            $0.session = hello.session
            $0.sample_count = Int64(hello.sampleCount)
            $0.model = model(hello.model)
            $0.held_out_count = Int64(hello.heldOutCount)
        }
    }

    private func update(_ update: ClientMessage.Update) -> UnsafeMutablePointer<Impromptu__V2__Update> {
        message(impromptu__v2__update__init) {
            $0.client = text(update.client.name)
            $0.session = update.session
            $0.run = update.run
            $0.task = update.task
            $0.base_version = Int64(update.baseVersion)
            $0.sample_count = Int64(update.sampleCount)
            $0.n_tensors = update.parameters.entries.count
            $0.tensors = messages(update.parameters.entries) { tensor($0, update.precision) }
            $0.n_prompt_ids = update.promptIDs.count
            $0.prompt_ids = array(update.promptIDs)
            $0.n_metrics = update.metrics.count
            $0.metrics = messages(update.metrics, metric)
        }
    }

    private func presence(_ presence: ClientMessage.Presence) -> UnsafeMutablePointer<Impromptu__V2__Presence> {
        message(impromptu__v2__presence__init) {
            $0.n_heartbeats = presence.heartbeats.count
            $0.heartbeats = messages(presence.heartbeats, heartbeat)
        }
    }

    private func failure(_ failure: ClientMessage.Failure) -> UnsafeMutablePointer<Impromptu__V2__Failure> {
        message(impromptu__v2__failure__init) {
            $0.client = text(failure.client.name)
            $0.session = failure.session
            $0.task = failure.task
            $0.reason = text(failure.reason)
        }
    }

    private func fetch(_ fetch: ClientMessage.Fetch) -> UnsafeMutablePointer<Impromptu__V2__Fetch> {
        message(impromptu__v2__fetch__init) {
            $0.client = text(fetch.client.name)
            $0.session = fetch.session
            $0.holding = Int64(fetch.holding)
        }
    }

    private func heartbeat(_ heartbeat: ClientMessage.Heartbeat) -> UnsafeMutablePointer<Impromptu__V2__Heartbeat> {
        message(impromptu__v2__heartbeat__init) {
            $0.client = text(heartbeat.client.name)
            $0.session = heartbeat.session
            $0.activity = heartbeat.activity.wire
            $0.task = heartbeat.task
            $0.outstanding = Int64(heartbeat.outstanding)
        }
    }

    private func evaluation(
        _ evaluation: ClientMessage.Evaluation
    ) -> UnsafeMutablePointer<Impromptu__V2__Evaluation> {
        message(impromptu__v2__evaluation__init) {
            $0.client = text(evaluation.client.name)
            $0.session = evaluation.session
            $0.version = Int64(evaluation.version)
            $0.loss = evaluation.loss
            $0.n_total = evaluation.total.count
            $0.total = array(evaluation.total.map { Int64($0) })
            $0.n_correct = evaluation.correct.count
            $0.correct = array(evaluation.correct.map { Int64($0) })
        }
    }

    private func goodbye(_ goodbye: ClientMessage.Goodbye) -> UnsafeMutablePointer<Impromptu__V2__Goodbye> {
        message(impromptu__v2__goodbye__init) {
            $0.client = text(goodbye.client.name)
            $0.session = goodbye.session
        }
    }
}
