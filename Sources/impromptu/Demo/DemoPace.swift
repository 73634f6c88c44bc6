import Federation
import Lab
import PromptAggregation
import RunLog
import RunSettings

/// How fast a demo's clients tuned and waited, so that other methods can be given the same machine in virtual time.
package struct DemoPace: Sendable {
    /// Contributions that the run made a version of.
    package let cohort: Int
    /// Seconds of the machine for one update.
    private let secondsAnUpdate: Double
    private let imagesAnUpdate: Int
    private let clients: Int
    /// Seconds from the end of a client's tuning to its report: the mean, and the mean of the slowest of a cohort.
    private let meanDelay: Double
    private let slowestDelay: Double

    /// Tasks whose delays are drawn to estimate their means.
    private static let draws = 1000

    /// - Parameter moments: of the run.
    package init(of live: RunConfiguration, moments: [RunHistory.EvaluationRow]) {
        switch live.federation.mode {
        case .synchronous(let round): cohort = round.cohort
        case .buffered(let buffer): cohort = buffer.size
        case .continuous: cohort = 5
        }
        clients = live.data.clients
        imagesAnUpdate = max(1, live.federation.plan.images(of: live.data.trainingSamples / live.data.clients))
        if let first = moments.first, let last = moments.last, last.updates > first.updates {
            secondsAnUpdate = (last.seconds - first.seconds) / Double(last.updates - first.updates)
        } else {
            secondsAnUpdate = 0
        }
        var random = SeededRandom(seed: live.federation.seed, stream: 3000)
        let cohorts = (0..<Self.draws).map { [cohort] _ in
            (0..<cohort).map { _ in live.worker.delay.draw(&random) / .seconds(1) }
        }
        meanDelay = cohorts.reduce(0) { $0 + $1.reduce(0, +) } / Double(Self.draws * cohort)
        slowestDelay = cohorts.reduce(0) { $0 + ($1.max() ?? 0) } / Double(Self.draws)
    }

    /// Seconds an image while so many clients share the machine.
    package func imageSeconds(sharedBy clients: Int) -> Double {
        secondsAnUpdate * Double(clients) / Double(imagesAnUpdate)
    }

    /// Seconds an image while all clients are at work. Some of them wait, so it is less than with the whole number sharing the
    /// machine. With it and the delays, updates come as often as in the run.
    package var busyImageSeconds: Double {
        max(0, secondsAnUpdate * Double(clients) - meanDelay) / Double(imagesAnUpdate)
    }

    /// Rounds of a cohort in so many seconds.
    package func rounds(in seconds: Double) -> Int {
        max(1, Int(seconds / (secondsAnUpdate * Double(cohort) + slowestDelay)))
    }

    /// Updates of a client that has the machine to itself and does not wait.
    package func updates(in seconds: Double) -> Int {
        secondsAnUpdate > 0 ? max(1, Int(seconds / secondsAnUpdate)) : 1
    }
}
