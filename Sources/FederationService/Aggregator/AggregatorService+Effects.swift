import Federation
import FederationRun
import Logging
import PromptAggregation
import PromptWire
import RunLog
import Text
import ZeroMQTransport

/// What a live service does of what the aggregator wants; on the loop's thread.
struct LiveEffects: EffectCarrier {
    let service: AggregatorService

    func publish(_ message: AggregatorMessage, packed: [UInt8]?, on topic: Topic) {
        service.assumeIsolated { $0.publish(message, packed: packed, on: topic) }
    }
    func note(_ version: EncodedVersion) { service.assumeIsolated { $0.note(version) } }
    func note(_ judgement: Judgement) { service.assumeIsolated { $0.note(judgement) } }
    func note(_ flush: Flush) { service.assumeIsolated { $0.note(flush) } }
    func note(_ presence: Presence, of client: ClientID) {
        service.logger.info(
            "a client is \(presence.rawValue)", metadata: ["client": "\(client)", "presence": "\(presence.rawValue)"])
    }
    func note(_ evaluation: ClientMessage.Evaluation) { service.assumeIsolated { $0.note(evaluation) } }
    func note(_ failed: FailedTask) { service.assumeIsolated { $0.note(failed) } }
    func noteFenced(_ client: ClientID, session: UInt64) {
        service.logger.warning(
            "two processes speak for one client; the older one is asked to end",
            metadata: ["client": "\(client)", "session": "\(hexadecimal(session))"])
    }
    func noteRest() { service.assumeIsolated { $0.noteRest() } }
    func noteFinish() { service.assumeIsolated { $0.noteFinish() } }
}

extension AggregatorService {
    func publish(_ message: AggregatorMessage, packed: [UInt8]? = nil, on topic: Topic) {
        if case .refuse(let refuse) = message {
            complain(
                "client refused", about: "\(refuse.client) \(refuse.code)",
                ["client": "\(refuse.client)", "code": "\(refuse.code)", "reason": "\(refuse.reason)"])
        }
        guard case .beacon(var beacon) = message else {
            return send(packed ?? AggregatorCodec.encode(message, from: setup.origin), on: topic)
        }
        beacon.metrics = observer.beaconMetrics(at: clock.now(), isDraining: pipeline.aggregator.phase == .draining)
        progress?.show(beacon, seconds: observer.history.seconds(at: clock.now()))
        send(AggregatorCodec.encode(.beacon(beacon), from: setup.origin), on: topic)
    }

    fileprivate func note(_ version: EncodedVersion) {
        evaluator?.submit(version.prompts)
        keepFigures { try observer.keep(version.file(setup.label, logOffset: pipeline.engine.committedBytes)) }
    }

    private func send(_ bytes: [UInt8], on topic: Topic) {
        do {
            try links?.publish(bytes, on: topic)
        } catch {
            // Publishing may lose anything; the protocol repeats what matters.
            logger.warning("cannot publish", metadata: ["problem": "\(error)"])
        }
    }

    fileprivate func note(_ judgement: Judgement) {
        guard case .rejected(let code, let reason) = judgement.verdict else { return }
        complain(
            "update rejected", about: "\(judgement.client) \(code)",
            ["client": "\(judgement.client)", "task": "\(judgement.task)", "reason": "\(reason)"])
    }

    fileprivate func note(_ failed: FailedTask) {
        let end = failed.isAskedAgain ? "" : "; it is asked no more until it starts again"
        complain(
            "client failed", about: "\(failed.client) \(failed.isAskedAgain)",
            ["client": "\(failed.client)", "task": "\(failed.task)", "reason": "\(failed.reason)\(end)"])
    }

    fileprivate func note(_ flush: Flush) { keepFigures { try observer.add(flush) } }

    fileprivate func note(_ evaluation: ClientMessage.Evaluation) {
        observer.add(evaluation)
        let together = observer.history.federatedEvaluations.last { $0.version == evaluation.version }
        logger.info(
            "evaluated by a client",
            metadata: [
                "client": "\(evaluation.client)", "version": "\(evaluation.version)",
                "accuracy": "\(decimal(100 * evaluation.accuracy, 1)) %",
                "samples": "\(evaluation.total.reduce(0, +))",
                "all_clients":
                    "\(together.map { decimal(100 * $0.accuracy, 1) } ?? "-") % of \(together?.clients ?? 0)",
            ])
    }

    fileprivate func noteRest() { logger.info("at rest", metadata: ["version": "\(pipeline.aggregator.version)"]) }

    fileprivate func noteFinish() {
        logger.info("run finished", metadata: ["version": "\(pipeline.aggregator.version)"])
        linger()
    }

    /// Figures are for observers: if they cannot be written, the run continues.
    private func keepFigures(_ body: () throws -> Void) {
        do { try body() } catch { logger.warning("cannot keep figures", metadata: ["problem": "\(error)"]) }
    }
}
