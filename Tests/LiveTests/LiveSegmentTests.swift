import Federation
import Foundation
import Lab
import RunLog
import TestSupport
import Testing

/// A live aggregator whose log continues in file after file, keeps few of them, and is killed in between.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct LiveSegmentTests {
    @Test func aKilledAggregatorContinuesFromItsLastSegment() async throws {
        let settings = [
            "run.updates=0", "run.snapshot_versions=0", "worker.delay_seconds=0.02", "log.segment_bytes=4096",
            "log.keep_segments=1", "log.compress=zstd",
        ]
        try await withLiveFederation(settings) { federation in
            func newest() -> Int { (try? federation.run.segments().last) ?? 0 }
            let aggregator = try await federation.startBoundAggregator()
            let workers = try (0..<2).map { try federation.startWorker($0) }
            try await eventually("the second segment: \(aggregator.output)") { newest() >= 2 }
            try await federation.updates(reach: 3)
            try await aggregator.crash()
            // A recovery holds the log, which the next aggregator needs.
            let copy = RunFolder(path: federation.path + "/copy")
            try FileManager.default.copyItem(atPath: federation.run.path, toPath: copy.path)
            let recovery = try RunRecovery(folder: copy)
            #expect(recovery.words.contains("that segment \(newest()) begins with"), "\(recovery.words)")
            let reached = recovery.aggregator.counts.accepted
            let again = try await federation.startBoundAggregator()
            try await federation.updates(reach: reached + 3)
            try await eventually("old segments are gone: \(again.output)") {
                (try? federation.run.segments().count) ?? 0 <= 1
            }
            again.signal(SIGTERM)
            #expect(try await again.exitCode() == 0)
            for worker in workers { try await worker.crash() }
            let inspection = try RunInspection(log: federation.run.path)
            let beginning = try #require(inspection.beginning)
            #expect(beginning.segment > 1 && inspection.updatesAccepted >= reached + 3)
            let (_, states) = try Replay.checked(path: federation.run.path) { step in
                if case .checked(let publication) = step { #expect(publication.isEqual) }
            }
            #expect(states.allSatisfy { $0.finding == .equal }, "\(states)")
        }
    }
}
