import Federation
import FederationRun
import Foundation
import Lab
import PromptAggregation
import RunLog
import RunSettings
import TestSupport
import Testing

/// A whole small federation with the real learner in virtual time: it learns, it leaves a run folder, its log replays to
/// the same digests, and damage to the log is named.
@Suite(.serialized) struct SimulatedRunTests {
    private func simulate(_ folder: String, _ assignments: [String] = [], threads: Int = 2) throws -> RunFolder {
        try simulateSmallRun(folder, assignments, threads: threads)
    }

    private func digests(_ log: String) throws -> [String] {
        var digests: [String] = []
        _ = try Replay(path: log) { step in
            guard case .checked(let publication) = step else { return }
            #expect(publication.isEqual, "version \(publication.version)")
            digests.append("\(publication.version) \(publication.recorded)")
        }
        return digests
    }

    @Test func aRunReplaysToItsDigestsAndIsTheSameForAnyNumberOfThreads() throws {
        try withTemporaryFolder { folder in
            let runs = try [1, 2].map { try simulate("\(folder)/\($0)", threads: $0) }
            let (first, second) = (try digests(runs[0].log), try digests(runs[1].log))
            #expect(first.count > 4)
            #expect(second == first)
            let inspection = try RunInspection(log: runs[0].log)
            #expect(inspection.finished)
            #expect(inspection.updatesAccepted == 12)
            #expect(inspection.clients.count == 4)
            #expect(inspection.versions.allSatisfy { abs($0.updates.reduce(0) { $0 + $1.weight } - 1) < 1e-9 })
            for file in [runs[0].metrics, runs[0].evaluations, runs[0].report, runs[0].prompts, runs[0].configuration] {
                #expect(FileManager.default.fileExists(atPath: file), "\(file)")
            }
        }
    }

    @Test("every mode and strategy comes to its end", arguments: ["synchronous", "continuous"], ["fedavg", "pfpt"])
    func modes(mode: String, strategy: String) throws {
        try withTemporaryFolder { folder in
            let run = try simulate(
                folder,
                ["federation.mode=\(mode)", "strategy.name=\(strategy)", "federation.cohort=2", "run.updates=6"])
            #expect(try digests(run.log).count > 2)
        }
    }

    @Test(
        "what clients keep is evaluated as they see it",
        arguments: [
            ["strategy.name=isolated"], ["strategy.name=fedavg", "head.personal=true"], ["strategy.name=pfedpg"],
            ["strategy.name=pfedpg", "training.prompts_per_batch=0"],
        ])
    func personal(settings: [String]) throws {
        try withTemporaryFolder { folder in
            let run = try simulate(
                folder, settings + ["training.head_learning_rate=0.01", "training.maximum_steps=4", "run.updates=8"])
            #expect(try digests(run.log).count > 2)
            let rows = try String(contentsOfFile: run.evaluations, encoding: .utf8).split(separator: "\n")
            let losses = rows.dropFirst().map { Double($0.split(separator: ",")[5])! }
            #expect(losses.count > 1 && losses.last! != losses.first!)
            let replay = try Replay(path: run.log)
            let first = try Replay(path: run.log, until: 0).aggregator!.current.state
            let last = replay.aggregator!.current.state
            #expect(replay.aggregator!.counts.rejected == 0)
            #expect(last.parameters[Parameters.headWeight] == first.parameters[Parameters.headWeight])
            #expect((last == first) == settings.contains("strategy.name=isolated"))
            let error = #expect(throws: ConfigurationError.self) {
                try RunEvaluation(log: run.log, version: nil, split: .validation, threads: 1)
            }
            #expect("\(try #require(error))".contains("every client keeps"))
        }
    }

    /// Four clients of 50 images each, a second an image tuned on: a pass over all of them for class statistics takes half
    /// of that, once, and before the first head is there nothing is tuned.
    @Test(arguments: [("tuned", 2 * 8.0), ("closed", 25.0 + 8)])
    func virtualTimeCountsThePassForClassStatistics(head: String, expected: Double) throws {
        try withTemporaryFolder { folder in
            let run = try simulate(
                folder,
                [
                    "strategy.head=\(head)", "run.updates=8", "federation.buffer_size=4",
                    "federation.clients_to_start=4", "data.partition=iid", "worker.delay=none",
                    "simulation.image_seconds=1",
                ])
            let rows = try String(contentsOfFile: run.evaluations, encoding: .utf8).split(separator: "\n")
            let seconds = try #require(Double(rows.last!.split(separator: ",")[1]))
            #expect(abs(seconds - expected) < 1)
        }
    }

    @Test func classMeansMakeTheHead() throws {
        try withTemporaryFolder { folder in
            let run = try simulate(folder, ["strategy.name=fedcof", "run.updates=8"])
            #expect(try digests(run.log).count > 2)
            let aggregator = try #require(try Replay(path: run.log).aggregator)
            #expect(aggregator.counts.rejected == 0)
            let counts = try #require(aggregator.current.state.parameters[Parameters.classCounts])
            #expect(counts.values.reduce(0, +) == 200)
            let evaluation = try RunEvaluation(log: run.log, version: nil, split: .validation, threads: 2)
            #expect(evaluation.accuracy > 0.3)
            #expect(throws: ConfigurationError.self) {
                try simulate(folder + "/personal", ["strategy.name=fedcof", "head.personal=true"])
            }
        }
    }

    @Test func controlVariatesGoWithTheState() throws {
        try withTemporaryFolder { folder in
            let run = try simulate(
                folder,
                ["strategy.name=scaffold", "training.prompt_learning_rate=0.05", "training.head_learning_rate=0.05"])
            #expect(try digests(run.log).count > 2)
            let aggregator = try #require(try Replay(path: run.log).aggregator)
            #expect(aggregator.counts.rejected == 0)
            let control = try #require(aggregator.current.state.parameters["control.head.weight"])
            #expect(control.values.contains { $0 != 0 })
        }
    }

    @Test func deepPromptsGoTheSameWay() throws {
        try withTemporaryFolder { folder in
            let deep = ["prompts.depth=2", "strategy.name=pfpt-async", "run.updates=4"]
            let run = try simulate(folder + "/deep", deep)
            #expect(try digests(run.log).count > 2)
            #expect(
                throws: ConfigurationError("prompts.depth: expected at most the encoder's 6 blocks, found 7")
            ) { try simulate(folder + "/deeper", ["prompts.depth=7"]) }
            let later = try simulate(folder + "/later", deep + ["prompts.first_block=4"])
            #expect(try digests(later.log).count > 2 && digests(later.log) != digests(run.log))
            #expect(
                throws: ConfigurationError(
                    "prompts.first_block: expected at most 4, as prompts.depth is 2 and the encoder has 6 blocks, found 5"
                )
            ) { try simulate(folder + "/later-still", deep + ["prompts.first_block=5"]) }
        }
    }

    @Test func aVersionIsEvaluatedClassByClass() throws {
        try withTemporaryFolder { folder in
            let run = try simulate(folder, ["run.updates=4", "data.test_samples=50"])
            let rows = try String(contentsOfFile: run.evaluations, encoding: .utf8).split(separator: "\n")
            let last = try #require(rows.last).split(separator: ",").compactMap { Double($0) }
            let evaluation = try RunEvaluation(log: run.log, version: nil, split: .validation, threads: 2)
            #expect(evaluation.version == Int(last[0]))
            #expect(abs(evaluation.accuracy - last[3]) < 1e-6 && abs(evaluation.balancedAccuracy - last[4]) < 1e-6)
            #expect(evaluation.classes.map(\.images).reduce(0, +) == 100)
            #expect(Double(evaluation.classes.map(\.hits).reduce(0, +)) / 100 == evaluation.accuracy)
            let known = evaluation.classes.compactMap(\.accuracy)
            #expect(abs(known.reduce(0, +) / Double(known.count) - evaluation.balancedAccuracy) < 1e-12)
            #expect(try RunEvaluation(log: run.log, version: 1, split: .test, threads: 1).images == 50)
            #expect(throws: ReplayError.self) {
                try RunEvaluation(log: run.log, version: 1_000, split: .test, threads: 1)
            }
        }
    }

    @Test(
        "heads other than a linear one go the same way",
        arguments: [
            ["head.hidden=8", "encoder.image_size=16"],
            ["head.hidden=8", "head.on_classifier=true", "prompts.feature_whitening=none"],
        ])
    func heads(settings: [String]) throws {
        try withTemporaryFolder { folder in
            try writeClassifyingEncoder(to: folder + "/encoder", outputs: 12)
            let run = try simulate(
                folder + "/run",
                settings + [
                    "encoder.path=\(folder)/encoder", "training.head_dropout=0.5", "training.class_balance=0.99",
                    "run.updates=4",
                ])
            #expect(try digests(run.log).count > 2)
        }
    }

    @Test func aFlippedByteNamesTheRecord() throws {
        try withTemporaryFolder { folder in
            let run = try simulate(folder, ["run.updates=4"])
            var bytes = try Data(contentsOf: URL(fileURLWithPath: run.segment(1)))
            bytes[bytes.count / 3] ^= 0x10
            try bytes.write(to: URL(fileURLWithPath: run.segment(1)))
            let error = #expect(throws: (any Error).self) { try Replay(path: run.log) }
            let words = "\(try #require(error))"
            #expect(words.contains(run.log) && words.contains("chunk"), "\(words)")
        }
    }

    @Test func aTornEndIsLeftOut() throws {
        try withTemporaryFolder { folder in
            let run = try simulate(folder, ["run.updates=4"])
            let bytes = try Data(contentsOf: URL(fileURLWithPath: run.segment(1)))
            let whole = try digests(run.log)
            try bytes.prefix(bytes.count * 3 / 4).write(to: URL(fileURLWithPath: run.segment(1)))
            let torn = try digests(run.log)
            #expect(torn.count < whole.count)
            #expect(Array(whole.prefix(torn.count)) == torn)
        }
    }

    @Test func aMissingDataSetIsNamed() throws {
        try withTemporaryFolder { folder in
            let error = #expect(throws: (any Error).self) {
                try simulate(folder, ["data.dataset=cifar10", "data.path=\(folder)"])
            }
            let words = "\(try #require(error))"
            #expect(words.contains("cifar10") && words.contains(folder) && !words.contains("\n"), "\(words)")
        }
    }
}
