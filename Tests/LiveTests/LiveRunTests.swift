import Federation
import Foundation
import Lab
import RunLog
import TestSupport
import Testing

/// The built program as its users run it: processes over tcp loopback that are killed and started again.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct LiveRunTests {
    @Test func aRunOutlivesItsProcessesAndReplaysToTheSameDigests() async throws {
        try await withLiveFederation(["run.updates=0"]) { federation in
            let firstAggregator = try await federation.startBoundAggregator()
            let steady = try federation.startWorker(0)
            let killed = try federation.startWorker(1)
            try await eventually("an update of every client") { federation.clients { $0.updatesUsed > 0 } == 4 }
            try await killed.crash()
            let restarted = try federation.startWorker(1)
            try await eventually("the restarted worker's clients") { federation.clients { $0.sessions == 2 } == 2 }
            try await firstAggregator.crash()
            let before = try RunInspection(log: federation.run.log).updatesAccepted
            let aggregator = try federation.startAggregator()
            try await federation.updates(reach: before + 3)
            try await federation.finishSoon()
            for process in [aggregator, steady, restarted] {
                #expect(try await process.exitCode() == 0, "\(process.output)")
            }

            let inspection = try RunInspection(log: federation.run.log)
            #expect(inspection.finished && inspection.starts == 2)
            #expect(inspection.updatesAccepted > before + 3)
            #expect(inspection.clients.count == 4 && inspection.clients.allSatisfy { $0.updatesUsed > 0 })
            let replays = [try await federation.replay(), try await federation.replay()]
            #expect(replays.allSatisfy { $0.exitCode == 0 && $0.output.contains("every digest equal") })
            #expect(replays[0].output == replays[1].output, "two processes print the same digest of all")
            try await expectDamageIsNamed(in: federation)
        }
    }

    /// Flips one byte in the middle of a copy of the log.
    private func expectDamageIsNamed(in federation: LiveFederation) async throws {
        let copy = federation.path + "/damaged.mcap"
        var bytes = try Data(contentsOf: URL(fileURLWithPath: federation.run.segment(1)))
        bytes[bytes.count / 2] ^= 0x10
        try bytes.write(to: URL(fileURLWithPath: copy))
        let (exitCode, output) = try await federation.replay(copy)
        #expect(exitCode == 1)
        #expect(output.contains(copy) && output.contains("chunk") && output.contains("byte"), "\(output)")
        #expect(output.split(separator: "\n").count == 1, "\(output)")
    }

    @Test func aLogThatCannotGrowEndsTheAggregatorAndLosesNothing() async throws {
        try await withLiveFederation { federation in
            // Writes beyond 200 KiB of a file fail, as they do on a full disk.
            let limited = try LiveProcess(
                "/bin/bash",
                ["-c", "trap '' XFSZ; ulimit -f 200; exec \"$@\"", "bash", LiveFederation.program]
                    + federation.aggregatorArguments, log: federation.path + "/limited.log")
            try await federation.bound(limited)
            let workers = try (0..<2).map { try federation.startWorker($0) }
            #expect(try await limited.exitCode() == 1)
            let errors = limited.output.split(separator: "\n").filter { $0.hasPrefix("impromptu:") }
            #expect(errors.count == 1 && errors[0].contains(federation.run.log), "\(limited.output)")
            #expect(errors[0].contains("File too large"), "\(errors)")

            let before = try RunInspection(log: federation.run.log)
            #expect((1..<24).contains(before.updatesAccepted))
            let aggregator = try federation.startAggregator()
            for process in [aggregator] + workers {
                #expect(try await process.exitCode() == 0, "\(process.output)")
            }
            let inspection = try RunInspection(log: federation.run.log)
            #expect(inspection.finished && inspection.updatesAccepted > before.updatesAccepted)
            #expect(try await federation.replay().exitCode == 0)
        }
    }

    @Test func aDemoThatCannotBeginSaysWhyAtOnce() async throws {
        try await withLiveFederation { federation in
            let demo = try federation.start(
                ["demo", federation.run.path, "--workers", "1", "--set", "security.keys=\(federation.path)"],
                as: "demo")
            #expect(try await demo.exitCode(within: 30) == 1)
            let secret = federation.path + "/aggregator.secret"
            #expect(demo.output.contains("the aggregator ended with 2: impromptu: \(secret)"), "\(demo.output)")
            #expect(demo.output.split(separator: "\n").count == 1, "\(demo.output)")
        }
    }

    @Test func whatCannotBeginIsOneClearLineAndLeavesNothingBehind() async throws {
        let taken = try TakenPort()
        try await withLiveFederation { federation in
            let refused = try federation.startAggregator(["--set", "endpoints.prompts=\(taken.endpoint)"])
            #expect(try await refused.exitCode() == 1)
            let lines = refused.output.split(separator: "\n")
            #expect(lines.count == 1 && refused.output.contains("\(taken.endpoint): the address is in use"), "\(lines)")
            #expect(!FileManager.default.fileExists(atPath: federation.run.segment(1)))

            let aggregator = try await federation.startBoundAggregator()
            #expect(aggregator.isRunning, "another endpoint will do in the same folder: \(aggregator.output)")
            try await eventually("a run that has begun") {
                aggregator.output.contains("aggregating")
                    && FileManager.default.fileExists(atPath: federation.run.prompts)
            }
            let before = try FileManager.default.contentsOfDirectory(atPath: federation.run.path).sorted()
            let second = try federation.start(
                ["aggregate", federation.run.path, "--config", federation.path + "/run.yaml", "--quiet"],
                as: "second")
            #expect(try await second.exitCode() == 1)
            #expect(second.output.contains(federation.run.log) && second.output.contains("another"), "\(second.output)")
            #expect(second.output.split(separator: "\n").count == 1, "\(second.output)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: federation.run.path).sorted() == before)
            aggregator.signal(SIGTERM)
            #expect(try await aggregator.exitCode() == 0)
        }
    }

    /// Client and task of a file in an outbox.
    private static func task(_ file: String) -> String {
        let words = file.split(separator: "/")
        return "\(words[0])/\(words[1].dropLast(".update".count).split(separator: "-")[1])"
    }

    @Test func anUpdateThatAKilledWorkerHadTrainedArrivesAfterItsRestart() async throws {
        try await withLiveFederation(["run.updates=14", "federation.lease_seconds=30"]) { federation in
            let firstAggregator = try await federation.startBoundAggregator()
            let killed = try federation.startWorker(0)
            try await federation.updates(reach: 1)
            // Nobody acknowledges any more; what is being trained ends up in the outbox. An acknowledgement may still be on
            // its way, so the worker stands still while the outbox is looked at.
            firstAggregator.signal(SIGSTOP)
            var left: [String] = []
            var standsStill = false
            try await eventually("an update in the outbox of a worker that stands still") {
                left = federation.outboxFiles
                if standsStill, !left.isEmpty { return true }
                standsStill = !left.isEmpty
                killed.signal(standsStill ? SIGSTOP : SIGCONT)
                return false
            }
            try await killed.crash()
            try await firstAggregator.crash()
            let aggregator = try federation.startAggregator()
            let restarted = try federation.startWorker(0)
            for process in [aggregator, restarted] {
                #expect(try await process.exitCode() == 0, "\(process.output)")
            }
            #expect(federation.outboxFiles.isEmpty)
            var accepted: Set<String> = []
            _ = try Replay(path: federation.run.log) { step in
                guard case .effect(.flushed(let flush)) = step else { return }
                for part in flush.parts {
                    let isNew = accepted.insert("\(part.client)/\(part.task)").inserted
                    #expect(isNew, "an update counted twice")
                }
            }
            #expect(!left.isEmpty && accepted.isSuperset(of: left.map(Self.task)), "\(left) of \(accepted)")
        }
    }

    @Test(.enabled(if: python != nil, "IMPROMPTU_PYTHON names no Python with pyzmq, protobuf and numpy"))
    func theClientOfTheDocumentationIsCounted() async throws {
        // Whitening gives the state tensors that no update holds.
        try await withLiveFederation(["run.updates=3", "prompts.feature_whitening=validation"]) { federation in
            let aggregator = try await federation.startBoundAggregator()
            let client = try federation.startPython("stranger")
            #expect(try await client.exitCode() == 0, "\(client.output)")
            #expect(try await aggregator.exitCode() == 0, "\(aggregator.output)")
            let inspection = try RunInspection(log: federation.run.log)
            #expect(inspection.clients.map(\.client) == ["stranger"])
            #expect(inspection.clients.map(\.updatesUsed) == [3])
            #expect(try await federation.replay().exitCode == 0)
        }
    }
}

extension LiveFederation {
    /// Starts the client of docs/wire-and-log.md.
    func startPython(_ client: String, _ more: [String] = []) throws -> LiveProcess {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Interop/join_run.py").path
        return try LiveProcess(
            try #require(python),
            [script, path, try endpoint("updates"), try endpoint("prompts"), client] + more,
            log: "\(path)/python-\(client).log")
    }
}
