import Federation
import FederationRun
import Foundation
import Lab
import PromptTuning
import RunLog
import RunSettings
import TestSupport
import Testing
import impromptu

@Suite struct DemoComparisonTests {
    private static let moments = [
        row(seconds: 2, updates: 0, version: 0, accuracy: 0.1),
        row(seconds: 12, updates: 40, version: 8, accuracy: 0.5),
    ]

    private static func row(seconds: Double, updates: Int, version: Int, accuracy: Double) -> RunHistory.EvaluationRow {
        .init(
            version: version, seconds: seconds, updates: updates, accuracy: accuracy, balancedAccuracy: accuracy,
            loss: 1, maskedAccuracy: accuracy)
    }

    private func configuration(
        _ method: ComparedMethod, _ assignments: [String], seconds: Double = 60
    ) throws -> RunConfiguration {
        let live = try RunConfiguration.load(
            base: RunConfiguration.demo, files: [], environment: [:], assignments: assignments)
        return try method.configuration(
            like: live, pace: DemoPace(of: live, moments: Self.moments), seconds: seconds)
    }

    @Test func theClientsMeetInRoundsOfTheBuffersSize() throws {
        let rounds = try configuration(.fedAvg, ["federation.buffer_size=4"])
        guard case .synchronous(let round) = rounds.federation.mode else {
            Issue.record("expected rounds, found \(rounds.federation.mode)")
            return
        }
        #expect(round.cohort == 4)
        #expect(rounds.strategy.name == "fedavg")
        #expect(rounds.federation.stop == StopCondition(versions: 0, updates: 0, duration: .seconds(60)))
        #expect(rounds.clients.count == 20 && rounds.data.alpha == 0.3)
        // 0.25 s an update, and four clients share the machine.
        let images = Double(rounds.federation.plan.images(of: 1000))
        #expect(abs(rounds.simulation.imageSeconds - 1.0 / images) < 1e-9)
    }

    @Test(arguments: ComparedMethod.allCases, ["strategy.head=closed", "strategy.head=tuned"])
    func everyMethodTakesTheRunsOwnSettingsAsTheyAre(_ method: ComparedMethod, _ head: String) throws {
        let compared = try configuration(method, [head, "strategy.sweeps=5", "prompts.pool=7"])
        let isClosed = compared.strategy.settings.contains { $0.key == "head" && $0.value == "closed" }
        #expect(isClosed == (head.hasSuffix("closed") && method != .localOnly))
        #expect(compared.prompts.pool == (method == .headAlone ? 1 : 7))
        #expect(compared.data.clients == (method == .centralized ? 1 : 20))
    }

    @Test func updatesComeAsOftenAsInTheRun() throws {
        // A client's turn: 20 clients times 0.25 s, less the delay of 2 s.
        let busy = try configuration(.localOnly, ["worker.delay=constant", "worker.delay_seconds=2"])
        let images = Double(busy.federation.plan.images(of: 1000))
        #expect(abs(busy.simulation.imageSeconds - 3 / images) < 1e-9)
        // Slower than the machine: nothing is left for the tuning.
        #expect(
            try configuration(.localOnly, ["worker.delay=constant", "worker.delay_seconds=9"]).simulation.imageSeconds
                == 0)
    }

    @Test func everyMethodRunsAndIsShownInATable() throws {
        try withTemporaryFolder { path in
            let live = try RunConfiguration.load(
                base: RunConfiguration.demo, files: [], environment: [:],
                assignments: [
                    "data.clients=4", "data.training_samples=200", "data.validation_samples=40", "data.test_samples=30",
                    "data.minimum_samples=8", "training.maximum_steps=1", "training.batch_size=8",
                    "federation.clients_to_start=3", "federation.buffer_size=2", "prompts.feature_whitening=none",
                ])
            let encoder = try live.loadEncoder()
            let test = try TuningDataset(FederatedData.test(live.data, encoder: encoder))
            var comparison = DemoComparison(like: live, moments: Self.moments, seconds: 12)
            #expect(throws: CancellationError.self) {
                try comparison.add(.fedAvg, in: RunFolder(path: path + "/stopped"), test: test) { true }
            }
            for method in ComparedMethod.allCases {
                try comparison.add(method, in: RunFolder(path: "\(path)/\(method.rawValue)"), test: test) { false }
            }
            #expect(comparison.rows.map(\.method) == ComparedMethod.allCases)
            for row in comparison.rows {
                let last = try #require(row.moments.last)
                #expect(last.seconds <= 20 && row.updates > 0, "\(row)")
                #expect((row.testAccuracy == nil) == (row.method == .localOnly))
            }
            let own = DemoComparison.Row(updates: 40, moments: Self.moments, testAccuracy: 0.5)
            let lines = comparison.lines(beside: own, examples: "images")
            for method in ComparedMethod.allCases { #expect(lines.contains { $0.hasPrefix(method.title) }) }
            #expect(lines.contains { $0.hasPrefix("this run, pfpt-async") && $0.contains("50.0 %") })
        }
    }
}
