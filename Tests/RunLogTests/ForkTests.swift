import Federation
import Foundation
import Lab
import PromptWire
import RunLog
import RunSettings
import TestSupport
import Testing

/// A run whose log has other versions than this program makes of it.
@Suite struct ForkTests {
    /// Made with one strategy and recorded as of another.
    private static func foreignRun(in folder: String, closes: Bool = false) throws -> RunFolder {
        try ScriptedRun.write(
            to: folder, ["strategy.name=fedbuff"], recordedAs: ["strategy.server_rate=0.5"], closes: closes)
    }

    @Test func aRunThatComesOutOtherwiseIsNotContinued() throws {
        try withTemporaryFolder { folder in
            let run = try Self.foreignRun(in: folder, closes: true)
            let before = try Data(contentsOf: URL(filePath: run.segment(1)))
            let error = try #require(throws: ForkedRun.self) { try RunRecovery(folder: run) }
            let digests = try logged(run).first { $0.version == 1 }!
            #expect(error.description.contains("version 1 comes out as \(digests.replayed)"))
            #expect(error.description.contains("logged as \(digests.recorded)"))
            #expect(error.description.contains(Program.running.words) && error.description.contains("--accept-fork"))
            #expect(!error.description.contains("\n"))
            #expect(try Data(contentsOf: URL(filePath: run.segment(1))) == before, "the log is left as it was")
        }
    }

    @Test func anAcceptedForkIsRecordedAndHolds() throws {
        try withTemporaryFolder { folder in
            let run = try Self.foreignRun(in: folder)
            do {
                let recovery = try RunRecovery(folder: run, acceptsFork: true)
                let fork = try #require(recovery.fork)
                #expect(fork.version == 1 && fork.logged != fork.replayed)
                var engine = LoggedAggregator(aggregator: recovery.aggregator, log: recovery.log)
                try engine.start(epoch: 2, acceptingFork: fork, at: recovery.lastTime)
                try engine.close()
            }
            let again = try RunRecovery(folder: run)
            #expect(again.fork == nil, "it is accepted already")
            try again.leaveAsFound()
            let forks = try RunInspection(log: run.log).forks
            #expect(forks.map(\.version) == [1] && forks.map(\.start) == [2])
        }
    }

    /// What was accepted of one program is not what another one makes.
    @Test func anotherForkIsNotAcceptedWithTheFirst() throws {
        try withTemporaryFolder { folder in
            let run = try Self.foreignRun(in: folder)
            do {
                let recovery = try RunRecovery(folder: run, acceptsFork: true)
                // The state that it starts from is not the one that comes out of the log.
                let other = try ScriptedRun.configuration(["strategy.name=fedbuff", "run.seed=5"])
                let strategy = try other.makeStrategy(initial: recovery.header.initial!.state)
                let core = try Aggregator(configuration: other.federation, run: 7, strategy: strategy)
                var engine = LoggedAggregator(aggregator: core, log: recovery.log)
                try engine.start(epoch: 2, acceptingFork: recovery.fork, at: recovery.lastTime)
                try engine.close()
            }
            #expect(throws: (any Error).self) { try RunRecovery(folder: run) }
        }
    }

    @Test func aLogOfAnotherAlgorithmIsRefusedByName() throws {
        try withTemporaryFolder { folder in
            let run = try ScriptedRun.write(to: folder, closes: false)
            var records = try LogForgery.records(of: run.segment(1))
            let other = Program(build: "9.9+abc", kernels: "portable", algorithm: 999)
            guard case .header(var header) = try LogCodec.decode(records[0].data, on: .header) else {
                Issue.record("no header")
                return
            }
            header.program = other
            records[0].data = LogCodec.encode(header)
            records.removeAll { $0.topic == "/checkpoint" }
            let old = RunFolder(path: folder + "/old")
            try old.create()
            try LogForgery.write(records, to: old.segment(1))
            let error = #expect(throws: ReplayError.self) { try Replay(path: old.log) }
            #expect(error?.description.contains(other.words) == true)
        }
    }

    @Test func evaluationsSurviveARestart() throws {
        try withTemporaryFolder { folder in
            let run = try ScriptedRun.write(to: folder, starts: 3, closes: false)
            let history = try RunRecovery(folder: run).history
            #expect(history.evaluations.map(\.version) == history.versions.map(\.version))
            #expect(history.evaluations.count > 4)
            #expect(history.evaluations.last?.updates == history.versions.last?.updates)
        }
    }

    private func logged(_ run: RunFolder) throws -> [Replay.CheckedPublication] {
        var found: [Replay.CheckedPublication] = []
        _ = try Replay(path: run.log) { step in
            if case .checked(let publication) = step { found.append(publication) }
        }
        return found
    }
}
