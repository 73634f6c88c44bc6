import Federation
import Foundation
import Lab
import PromptAggregation
import RunLog
import RunSettings
import TestSupport
import Testing

/// Disturbs a live federation at random moments: processes are killed and stopped, a second worker of the same name takes
/// part, and the clock of all of them is set. At the end each update that was acknowledged to a client must be in the log,
/// and each update in the log must have made a version or wait for one, and none two.
///
/// `make chaos KILLS=1000` makes it long; IMPROMPTU_CHAOS_SEED gives other moments.
@Suite(.serialized) struct LiveChaosTests {
    private static func setting(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment["IMPROMPTU_CHAOS_\(name)"].flatMap { UInt64($0) }
    }
    private let kills = Int(LiveChaosTests.setting("KILLS") ?? 20)
    private let seed = LiveChaosTests.setting("SEED") ?? 1

    @Test func nothingThatWasAcknowledgedIsLostOrCountsTwice() async throws {
        // With odd seeds versions are computed beside the loop, as those of large pools are.
        let beside = "federation.flush_beside_values=\(seed.isMultiple(of: 2) ? 16_384 : 0)"
        try await withLiveFederation(["run.updates=0", "run.snapshot_versions=2", beside]) { federation in
            var torment = try await Torment(of: federation, seed: seed)
            try await torment.updates(more: 1)
            try await torment.run(kills: kills)
            try await torment.updates(more: 8)
            // Chance may have put all kills before the first snapshot; this one comes behind it.
            try await eventually("a snapshot") { !snapshots(of: federation.run).isEmpty }
            try await torment.crashAggregator()
            try await torment.updates(more: 8)
            try await torment.end()
            print("chaos: seed \(seed), \(torment.words)")
            try check(federation, torment)
        }
    }

    private func check(_ federation: LiveFederation, _ torment: Torment) throws {
        var accepted: Set<String> = []
        var used: [String: Int] = [:]
        var arrived = ""
        let replay = try Replay(path: federation.run.log) { step in
            switch step {
            case .event(let event, _):
                if case .received(.update(let update)) = event.kind {
                    arrived = "\(update.client) \(update.task)"
                }
            case .effect(.publish(_, .ack)): accepted.insert(arrived)
            case .effect(.flushed(let flush)):
                for part in flush.parts { used["\(part.client) \(part.task)", default: 0] += 1 }
            case .checked(let publication): #expect(publication.isEqual, "version \(publication.version)")
            default: break
            }
        }
        #expect(accepted.count == used.count + (replay.aggregator?.buffered ?? 0))
        let told = try told(try #require(replay.configuration).clients, torment.outboxes)
        let lost = told.filter { !accepted.contains($0) }
        let duplicated = used.filter { $0.value > 1 }.keys.sorted()
        print(
            "chaos: \(accepted.count) updates accepted, \(told.count) known to their clients as such:"
                + " \(lost.count) lost, \(duplicated.count) duplicated")
        #expect(!told.isEmpty)
        #expect(lost.isEmpty && duplicated.isEmpty, "lost \(lost), duplicated \(duplicated)")
        let log = try String(contentsOfFile: federation.path + "/aggregator.log", encoding: .utf8)
        let resumed = log.split(separator: "\n").count { $0.contains("from the snapshot of version") }
        print("chaos: \(resumed) starts of the aggregator went on from a snapshot")
        #expect(resumed > 0)
        #expect(torment.takeovers == 0 || log.contains("two processes speak for one client"))
    }

    /// What the aggregator acknowledged to clients, as `<client> <task>`.
    private func told(_ clients: [ClientID], _ outboxes: [String]) throws -> [String] {
        try clients.flatMap { client in
            try outboxes.map { "\($0)/\(client)/acknowledged.txt" }
                .filter { FileManager.default.fileExists(atPath: $0) }
                .flatMap { try String(contentsOfFile: $0, encoding: .utf8).split(separator: "\n") }
                .map { "\(client) \($0.split(separator: " ").last ?? "")" }
        }
    }
}
