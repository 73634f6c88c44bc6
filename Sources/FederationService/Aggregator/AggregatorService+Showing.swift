import Federation
import FederationRun
import Logging
import RunLog

/// What it shows to whoever watches over the process and the run.
extension AggregatorService {
    /// Logs what is odd about what it starts from.
    func warnOfBeginning() {
        if let doubt = setup.classDoubt { logger.warning("odd classes", metadata: ["problem": "\(doubt)"]) }
        for snapshot in setup.recovery?.passedOver ?? [] {
            logger.warning("snapshot skipped", metadata: ["snapshot": "\(snapshot)"])
        }
    }

    func showLife() {
        reporter.alive(status)
        writeHealth()
    }

    func writeHealth() {
        guard let health else { return }
        figureFiles.replace(.health) { [status] in health.write(status) }
    }

    /// Leaves the run's figures to whoever looks on.
    func show() { watch?.post(figures) }

    var figures: LiveFigures {
        LiveFigures(setup: setup, engine: pipeline.engine, history: observer.history, at: clock.now())
    }

    /// What it does, in a few words for whoever watches over the process.
    var status: String {
        let aggregator = pipeline.aggregator
        let counts = aggregator.counts
        return "version \(aggregator.version), \(counts.accepted) updates, \(counts.clientsAlive) clients alive,"
            + " \(counts.inFlight) tasks in flight"
    }
}
