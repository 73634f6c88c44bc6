import Federation
import FederationRun
import PromptAggregation
import PromptTuning
import PromptWire
import RunLog
import RunSettings
import Text

/// What came of a demo: accuracy on the test split, how the run went, and whether its log replays.
public struct DemoOutcome: Encodable, Sendable {
    public var folder: String
    public var seconds: Double
    public var testImages: Int
    /// What is classified: `images` or `texts`.
    public var examples: String
    public var testAccuracy: Double
    public var balancedTestAccuracy: Double
    /// On the validation split.
    public var moments: [RunHistory.EvaluationRow]
    /// Other methods on the same clients' data; nil where they were not asked for.
    public var comparison: DemoComparison?
    /// Predictions, a report and what to try next; nil for texts.
    public var act: SecondAct?
    public var versions: Int
    public var updates: Int
    public var lateUpdates: Int
    public var maximumStaleness: Int
    public var duplicates: Int
    public var aggregatorStarts: Int
    public var messagesReceived: Int
    public var bytesReceived: Int
    public var poolBefore: Int
    public var poolAfter: Int
    public var publications: Int
    public var differentPublications: Int

    /// Replays the run's log, and evaluates its last version on the test split with two threads.
    /// - Throws: `LogError`, `ReplayError`, `TuningError`.
    init(folder: RunFolder, encoder: FrozenEncoder, test: TuningDataset, seconds: Double) throws {
        var history = RunHistory()
        var starts = 0
        var messages = 0
        var bytes = 0
        var publications = 0
        var different = 0
        let replay = try Replay(path: folder.log) { step in
            history.take(step)
            switch step {
            case .event(let event, let size):
                if case .started = event.kind { starts += 1 }
                if case .received = event.kind {
                    messages += 1
                    bytes += size
                }
            case .checked(let publication):
                publications += 1
                if !publication.isEqual { different += 1 }
            default: break
            }
        }
        let initial = replay.header!.initial!.state
        let final = replay.aggregator!.current.state
        let plan = replay.configuration!.federation.plan
        let selection = replay.configuration!.evaluation.selection
        let learner = try PromptLearner(encoder: encoder, threads: 2)
        let evaluated = try learner.evaluate(final, on: test, plan: plan, selection: selection)

        self.folder = folder.path
        self.seconds = seconds
        testImages = test.count
        examples = encoder.examples
        testAccuracy = evaluated.accuracy
        balancedTestAccuracy = evaluated.balancedAccuracy
        moments = history.evaluations
        versions = replay.aggregator!.version
        updates = history.updates
        lateUpdates = history.lateUpdates
        maximumStaleness = history.stalenessCounts.count - 1
        duplicates = replay.aggregator!.counts.duplicates
        aggregatorStarts = starts
        messagesReceived = messages
        bytesReceived = bytes
        poolBefore = initial.promptIDs.count
        poolAfter = final.promptIDs.count
        self.publications = publications
        differentPublications = different
    }

    public var lines: [String] {
        var table = TextTable(["the run", ""])
        table.add(["test accuracy (\(testImages) \(examples))", percent(testAccuracy)])
        table.add(["balanced test accuracy", percent(balancedTestAccuracy)])
        table.add(["updates used", "\(updates)"])
        table.add(["of these late (staleness above 0)", "\(lateUpdates)"])
        table.add(["largest staleness", "\(maximumStaleness) versions"])
        table.add(["versions", "\(versions)"])
        table.add(["prompts in the pool, before and after", "\(poolBefore) and \(poolAfter)"])
        table.add(["messages from clients", "\(messagesReceived)"])
        table.add(["bytes from clients", "\(bytesReceived)"])
        table.add(["starts of the aggregator", "\(aggregatorStarts)"])
        let verdict =
            differentPublications == 0
            ? "replayed \(folder): all \(publications) published digests are equal"
            : "replayed \(folder): \(differentPublications) of \(publications) published digests DIFFER"
        return byTheClock + [""] + table.lines + ["", verdict] + (act.map { [""] + $0.lines } ?? [])
    }

    private var byTheClock: [String] {
        guard let comparison, !comparison.rows.isEmpty else {
            var clock = TextTable(["by the clock", "updates", "version", "validation accuracy"])
            for moment in moments.evenlySpread(atMost: 10) {
                clock.add([
                    decimal(moment.seconds, 1) + " s", "\(moment.updates)", "\(moment.version)",
                    percent(moment.accuracy),
                ])
            }
            return clock.lines
        }
        let own = DemoComparison.Row(method: nil, updates: updates, moments: moments, testAccuracy: testAccuracy)
        return comparison.lines(beside: own, examples: examples)
    }
}
