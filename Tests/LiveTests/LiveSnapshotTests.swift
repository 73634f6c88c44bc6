import Federation
import Foundation
import Lab
import RunLog
import TestSupport
import Testing

/// Recovery of a real run folder gives the same from a snapshot as from the whole log, and never trusts one that does not
/// fit the log.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct LiveSnapshotTests {
    /// A run whose aggregator was killed, with two snapshots and records behind them.
    private func withKilledRun(_ body: (LiveFederation) async throws -> Void) async throws {
        try await withLiveFederation(["run.updates=0", "run.snapshot_versions=3", "worker.delay_seconds=0.05"]) {
            federation in
            let aggregator = try await federation.startBoundAggregator()
            let workers = try (0..<2).map { try federation.startWorker($0) }
            try await eventually("two snapshots: \(aggregator.output)") { snapshots(of: federation.run).count == 2 }
            let updates = try RunInspection(log: federation.run.log).updatesAccepted
            try await federation.updates(reach: updates + 3)
            try await aggregator.crash()
            for worker in workers { try await worker.crash() }
            try await body(federation)
        }
    }

    /// What a recovery gives that the run depends on.
    private struct Outcome: Equatable {
        var state: [UInt8]
        var history: [UInt8]
        var time: Timestamp

        init(_ recovery: RunRecovery) {
            state = recovery.aggregator.snapshot()
            history = recovery.history.bytes
            time = recovery.lastTime
        }
    }

    /// Recovers a copy of the run to which something was done.
    private func recover(
        _ federation: LiveFederation, _ change: (RunFolder) throws -> Void = { _ in }
    ) throws -> RunRecovery {
        let copy = RunFolder(path: federation.path + "/copy-" + UUID().uuidString)
        try FileManager.default.copyItem(atPath: federation.run.path, toPath: copy.path)
        try change(copy)
        return try RunRecovery(folder: copy)
    }

    private func edit(_ file: String, _ change: (inout Data) -> Void) throws {
        var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        change(&bytes)
        try bytes.write(to: URL(fileURLWithPath: file))
    }

    @Test func aSnapshotGivesWhatTheWholeLogDoes() async throws {
        try await withKilledRun { federation in
            let fresh = try recover(federation)
            let whole = try recover(federation) { try FileManager.default.removeItem(atPath: $0.snapshotsFolder) }
            let start = try #require(fresh.start)
            #expect(fresh.passedOver.isEmpty && whole.start == nil && whole.history.versions.count > 6)
            #expect(Outcome(fresh) == Outcome(whole))
            #expect(fresh.replayedRecords < whole.replayedRecords && start.version >= 6)

            let newest = try #require(snapshots(of: federation.run).last)
            let size = try Data(contentsOf: URL(fileURLWithPath: federation.run.snapshotsFolder + "/" + newest)).count
            for place in [0, 9, 30, size / 2, size - 1] {
                let recovery = try recover(federation) { run in
                    try edit(run.snapshotsFolder + "/" + newest) { $0[place] ^= 0x20 }
                }
                #expect(Outcome(recovery) == Outcome(whole))
                #expect(recovery.passedOver.count == 1 && recovery.passedOver[0].hasPrefix(newest + ": snapshot: "))
                #expect((try #require(recovery.start)).version < start.version, "the one before it is taken")
            }
            let neither = try recover(federation) { run in
                for name in snapshots(of: run) { try edit(run.snapshotsFolder + "/" + name) { $0.removeLast(40) } }
            }
            #expect(Outcome(neither) == Outcome(whole) && neither.start == nil && neither.passedOver.count == 2)

            // A log that was put back to an earlier state, and that of another run.
            let shorter = try recover(federation) { run in
                try edit(run.segment(1)) { $0.removeLast($0.count - Int(start.length) + 1) }
            }
            #expect(shorter.passedOver.count == 1 && shorter.passedOver[0].contains("this log holds others"))
            #expect(shorter.start != nil && shorter.aggregator.version <= start.version)
        }
    }

    @Test func anAggregatorGoesOnFromItsSnapshotAndReplayChecksIt() async throws {
        try await withKilledRun { federation in
            let newest = try #require(snapshots(of: federation.run).last)
            try edit(federation.run.snapshotsFolder + "/" + newest) { $0[50] ^= 1 }
            let aggregator = try federation.startAggregator()
            try await eventually("a start from the snapshot") {
                aggregator.output.contains("records run through the core from the snapshot of version")
            }
            try await eventually("a word about the other") { aggregator.output.contains("snapshot skipped") }
            #expect(aggregator.output.contains(newest))
            aggregator.signal(SIGTERM)
            #expect(try await aggregator.exitCode() == 0)
            // One that was stopped in order leaves a last one; the log's closing record lies behind it.
            let again = try RunRecovery(folder: federation.run)
            #expect(again.passedOver.isEmpty && again.aggregator.phase == .running)
            #expect(again.replayedRecords == 1)

            let replay = try federation.start(["replay", federation.run.path, "--verbose"], as: "replay")
            #expect(try await replay.exitCode() == 0, "\(replay.output)")
            let lines = replay.output.split(separator: "\n").filter { $0.hasPrefix("state ") }
            #expect(lines.count == 2 && lines.allSatisfy { $0.hasSuffix("  equal") }, "\(lines)")
        }
    }

    @Test func withoutAFolderForThemTheRunGoesOn() async throws {
        try await withLiveFederation(["run.updates=12", "run.snapshot_versions=1"]) { federation in
            try FileManager.default.createDirectory(atPath: federation.run.path, withIntermediateDirectories: true)
            try Data().write(to: URL(fileURLWithPath: federation.run.snapshotsFolder))
            let aggregator = try await federation.startBoundAggregator()
            let workers = try (0..<2).map { try federation.startWorker($0) }
            for process in [aggregator] + workers {
                #expect(try await process.exitCode() == 0, "\(process.output)")
            }
            #expect(aggregator.output.contains("no snapshot kept"), "\(aggregator.output)")
        }
    }
}
