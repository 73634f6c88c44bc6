import Federation
import Lab
import RunLog
import RunSettings
import TestSupport
import Testing
import impromptu

@Suite struct SynchronousRoundsTests {
    private static let moments = [
        row(seconds: 2, updates: 0, version: 0, accuracy: 0.1),
        row(seconds: 12, updates: 40, version: 8, accuracy: 0.5),
    ]

    private static func row(seconds: Double, updates: Int, version: Int, accuracy: Double) -> RunHistory.EvaluationRow {
        .init(
            version: version, seconds: seconds, updates: updates, accuracy: accuracy, balancedAccuracy: accuracy,
            loss: 1,
            maskedAccuracy: accuracy)
    }

    private func rounds(_ assignments: [String], seconds: Double = 60) throws -> SynchronousRounds? {
        let live = try RunConfiguration.load(
            base: RunConfiguration.demo, files: [], environment: [:], assignments: assignments)
        return try SynchronousRounds(like: live, moments: Self.moments, seconds: seconds)
    }

    @Test func theDemosClientsMeetInRoundsOfItsBuffersSize() throws {
        let configuration = try #require(try rounds(["federation.buffer_size=4"])).configuration
        guard case .synchronous(let round) = configuration.federation.mode else {
            Issue.record("expected rounds, found \(configuration.federation.mode)")
            return
        }
        #expect(round.cohort == 4)
        #expect(configuration.strategy.name == "pfpt")
        #expect(configuration.federation.stop == StopCondition(versions: 0, updates: 0, duration: .seconds(60)))
        #expect(configuration.clients.count == 20 && configuration.data.alpha == 0.1)
        // 0.25 s an update for 48 images, which four clients share the machine for.
        #expect(abs(configuration.simulation.imageSeconds - 1.0 / 48) < 1e-9)
    }

    @Test func whatHadRoundsItselfIsComparedWithNothing() throws {
        #expect(try rounds(["federation.mode=synchronous", "strategy.name=fedavg"]) == nil)
    }

    @Test func aStrategyForRoundsTakesTheOthersPlace() throws {
        let continuous = try rounds(["federation.mode=continuous", "strategy.name=fedasync"])
        #expect(continuous?.configuration.strategy.name == "fedavg")
        #expect(try rounds(["strategy.name=gmm"])?.configuration.strategy.name == "gmm")
        #expect(throws: ConfigurationError.self) { try rounds(["strategy.horizon=5"]) }
    }

    @Test func roundsGoOnForAsLongAsTheyAreTold() throws {
        try withTemporaryFolder { path in
            let small = try #require(
                try rounds(
                    [
                        "data.clients=6", "data.training_samples=200", "data.validation_samples=50",
                        "data.minimum_samples=8", "training.maximum_steps=1", "training.batch_size=8",
                        "federation.clients_to_start=3", "prompts.feature_whitening=none",
                    ], seconds: 40))
            let moments = try small.run(in: RunFolder(path: path + "/rounds")) { false }
            let last = try #require(moments.last)
            #expect(
                last.seconds <= 41 && last.version > 1 && last.updates > 0 && last.updates <= 5 * last.version,
                "\(moments)")
            #expect(throws: CancellationError.self) {
                try small.run(in: RunFolder(path: path + "/stopped")) { true }
            }
        }
    }
}
