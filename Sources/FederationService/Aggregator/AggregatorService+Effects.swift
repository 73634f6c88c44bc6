import Federation
import FederationRun
import Logging
import PromptAggregation
import PromptWire
import RunLog
import ZeroMQTransport

/// What a live service does of what the aggregator wants; on the loop's thread.
struct LiveEffects: EffectCarrier {
    let service: AggregatorService

    func publish(_ message: AggregatorMessage, on topic: Topic) {
        service.assumeIsolated { $0.publish(message, on: topic) }
    }
    func publish(_ version: EncodedVersion) { service.assumeIsolated { $0.publish(version) } }
    func setTimer(_ timer: AggregatorTimer, after delay: Duration) {
        service.assumeIsolated { $0.setTimer(timer, after: delay) }
    }
    func note(_ flush: Flush) { service.assumeIsolated { $0.note(flush) } }
    func note(_ presence: Presence, of client: ClientID) {
        service.logger.info("client", metadata: ["client": "\(client)", "presence": "\(presence.rawValue)"])
    }
    func noteRest() { service.assumeIsolated { $0.noteRest() } }
    func noteFinish() { service.assumeIsolated { $0.noteFinish() } }
}

extension AggregatorService {
    fileprivate func publish(_ message: AggregatorMessage, on topic: Topic) {
        guard case .beacon(var beacon) = message else {
            return send(AggregatorCodec.encode(message, incarnation: setup.incarnation), on: topic)
        }
        beacon.metrics = observer.beaconMetrics(at: clock.now(), isDraining: pipeline.aggregator.phase == .draining)
        progress?.show(beacon, seconds: observer.history.seconds(at: clock.now()))
        send(AggregatorCodec.encode(.beacon(beacon), incarnation: setup.incarnation), on: topic)
    }

    fileprivate func publish(_ version: EncodedVersion) {
        send(version.message(incarnation: setup.incarnation), on: .all)
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

    fileprivate func setTimer(_ timer: AggregatorTimer, after delay: Duration) {
        timers[timer]?.cancel()
        timers[timer] = loop.schedule(after: delay) { [weak self] in self?.assumeIsolated { $0.fire(timer) } }
    }

    fileprivate func note(_ flush: Flush) { keepFigures { try observer.add(flush) } }

    fileprivate func noteRest() { logger.info("at rest", metadata: ["version": "\(pipeline.aggregator.version)"]) }

    fileprivate func noteFinish() {
        logger.info("run finished", metadata: ["version": "\(pipeline.aggregator.version)"])
        linger()
    }

    /// Figures are for observers: where they cannot be written, the run goes on.
    private func keepFigures(_ body: () throws -> Void) {
        do { try body() } catch { logger.warning("cannot keep figures", metadata: ["problem": "\(error)"]) }
    }
}
