import Federation
import PromptAggregation
import RunLog
import RunSettings

/// Another way to tune on the data of a demo's clients, which its figure is compared with.
public enum ComparedMethod: String, CaseIterable, Encodable, Sendable {
    /// FedAvg in synchronous rounds, of as many clients as the run had in a buffer.
    case fedAvg = "fedavg"
    /// No prompts: the clients make a head together.
    case headAlone = "head-alone"
    /// No federation: each client tunes prompts and head for itself, and its result is tried on everybody's classes.
    case localOnly = "local-only"
    /// No federation either: one client has the images of all, and waits for nobody. No method is expected above it.
    case centralized

    /// As it stands in a table.
    package var title: String {
        switch self {
        case .fedAvg: "FedAvg, synchronous rounds"
        case .headAlone: "the head alone"
        case .localOnly: "local only, mean of the clients"
        case .centralized: "centralized"
        }
    }

    /// How many times it is evaluated, evenly over its time. What each client has for itself takes as many evaluations as there
    /// are clients, so its end has to do.
    private var evaluations: Int { self == .localOnly ? 1 : 8 }

    /// The settings for a simulation that lasts as long as the run did.
    ///
    /// - Parameter pace: of the run.
    /// - Throws: `ConfigurationError` where its settings do not suit the method.
    package func configuration(
        like live: RunConfiguration, pace: DemoPace, seconds: Double
    ) throws -> RunConfiguration {
        let common = [
            "run.updates=0", "run.versions=0", "run.seconds=\(seconds)",
            "simulation.evaluation_updates=0",
            "evaluation.interval_seconds=\(evaluations > 1 ? seconds / Double(evaluations) : 0)",
        ]
        return try RunConfiguration.load(
            base: live.yamlWithoutStrategy, files: [], environment: [:],
            assignments: common + assignments(like: live, pace: pace, seconds: seconds))
    }

    private func assignments(like live: RunConfiguration, pace: DemoPace, seconds: Double) -> [String] {
        let isClosed = live.strategy.settings.contains { $0.key == "head" && $0.value == "closed" }
        // One prompt of nearly no length stands for none.
        let noPrompts = [
            "prompts.pool=1", "prompts.initial_scale=0.000001", "training.prompts_per_batch=0",
            "training.prompt_learning_rate=0",
        ]
        let head = isClosed ? ["strategy.head=closed"] : []
        switch self {
        case .fedAvg:
            return head + Self.rounds(of: pace.cohort) + [
                "training.schedule_versions=\(pace.rounds(in: seconds))",
                "simulation.image_seconds=\(pace.imageSeconds(sharedBy: pace.cohort))",
            ]
        case .headAlone where isClosed:
            // One round of all clients is the whole method.
            return noPrompts + head + Self.rounds(of: live.data.clients) + [
                "run.seconds=0", "run.versions=1",
                "simulation.image_seconds=\(pace.imageSeconds(sharedBy: live.data.clients))",
            ]
        case .headAlone:
            return noPrompts + ["strategy.name=fedbuff", "simulation.image_seconds=\(pace.busyImageSeconds)"]
        case .localOnly:
            // A few tasks of each client are enough for it to know its own images.
            return [
                "strategy.name=isolated", "run.updates=\(3 * live.data.clients)",
                "simulation.image_seconds=\(pace.busyImageSeconds)",
            ]
        case .centralized:
            return head + Self.rounds(of: 1) + [
                "data.clients=1", "data.partition=iid", "worker.delay=none", "federation.clients_to_start=1",
                "training.schedule_versions=\(pace.updates(in: seconds))",
                "simulation.image_seconds=\(pace.imageSeconds(sharedBy: 1))",
            ]
        }
    }

    private static func rounds(of cohort: Int) -> [String] {
        [
            "strategy.name=fedavg", "federation.mode=synchronous", "federation.cohort=\(cohort)",
            "federation.concurrency=\(cohort)",
        ]
    }
}
