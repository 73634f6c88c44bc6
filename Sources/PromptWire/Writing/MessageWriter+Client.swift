import CPromptWire
import Federation
import PromptAggregation

extension MessageWriter {
    func envelope(_ content: ClientMessage) -> UnsafeMutablePointer<Impromptu__V1__ClientEnvelope> {
        message(impromptu__v1__client_envelope__init) {
            $0.protocol = UInt32(protocolVersion)
            switch content {
            case .hello(let hello):
                $0.body_case = IMPROMPTU__V1__CLIENT_ENVELOPE__BODY_HELLO
                $0.hello = self.hello(hello)
            case .update(let update):
                $0.body_case = IMPROMPTU__V1__CLIENT_ENVELOPE__BODY_UPDATE
                $0.update = self.update(update)
            case .heartbeat(let heartbeat):
                $0.body_case = IMPROMPTU__V1__CLIENT_ENVELOPE__BODY_HEARTBEAT
                $0.heartbeat = self.heartbeat(heartbeat)
            case .goodbye(let goodbye):
                $0.body_case = IMPROMPTU__V1__CLIENT_ENVELOPE__BODY_GOODBYE
                $0.goodbye = self.goodbye(goodbye)
            }
        }
    }

    private func hello(_ hello: ClientMessage.Hello) -> UnsafeMutablePointer<Impromptu__V1__Hello> {
        message(impromptu__v1__hello__init) {
            $0.client = text(hello.client.name)
            $0.session = hello.session
            $0.last_version = Int64(hello.lastVersion)
            $0.sample_count = Int64(hello.sampleCount)
            $0.encoder_digest = text(hello.encoderDigest)
        }
    }

    private func update(_ update: ClientMessage.Update) -> UnsafeMutablePointer<Impromptu__V1__Update> {
        message(impromptu__v1__update__init) {
            $0.client = text(update.client.name)
            $0.session = update.session
            $0.sequence = update.sequence
            $0.task = update.task
            $0.base_version = Int64(update.baseVersion)
            $0.sample_count = Int64(update.sampleCount)
            $0.n_tensors = update.parameters.entries.count
            $0.tensors = messages(update.parameters.entries, tensor)
            $0.n_prompt_ids = update.promptIDs.count
            $0.prompt_ids = array(update.promptIDs)
            $0.n_metrics = update.metrics.count
            $0.metrics = messages(update.metrics, metric)
        }
    }

    private func heartbeat(_ heartbeat: ClientMessage.Heartbeat) -> UnsafeMutablePointer<Impromptu__V1__Heartbeat> {
        message(impromptu__v1__heartbeat__init) {
            $0.client = text(heartbeat.client.name)
            $0.session = heartbeat.session
            $0.activity = heartbeat.activity.wire
            $0.last_version = Int64(heartbeat.lastVersion)
            $0.task = heartbeat.task
            $0.outstanding = Int64(heartbeat.outstanding)
        }
    }

    private func goodbye(_ goodbye: ClientMessage.Goodbye) -> UnsafeMutablePointer<Impromptu__V1__Goodbye> {
        message(impromptu__v1__goodbye__init) {
            $0.client = text(goodbye.client.name)
            $0.session = goodbye.session
        }
    }
}
