import Benchmarks
import Foundation
import Lab
import RunLog
import TestSupport
import Testing

@Suite struct ReplayBenchmarkTests {
    @Test func itMeasuresARecoveryThatStartsFromASnapshot() throws {
        try withTemporaryFolder { folder in
            let found = try RecoveryBenchmark(versions: 400, in: RunFolder(path: folder))
            let records = try #require(found.records)
            #expect(found.versions == 400 && records > 800 && found.segments == 1)
            #expect(found.snapshotBytes > 0 && found.replayedRecords < records && found.wholeRecovery != nil)
        }
    }

    @Test func itMeasuresARunOfSegments() throws {
        try withTemporaryFolder { folder in
            let run = RunFolder(path: folder)
            let found = try RecoveryBenchmark(
                versions: 300, updates: 3, segmentBytes: 10_000, readsWhole: false, in: run)
            #expect(found.versions == 300 && found.segments > 1 && found.records == nil)
            #expect(found.mostMemory >= found.halfwayMemory && found.halfwayMemory > 1 << 20)
        }
    }

    @Test func itMeasuresARunThatReplays() throws {
        try withTemporaryFolder { folder in
            let run = RunFolder(path: folder)
            let log = run.log
            try ReplayBenchmark.writeRun(to: run, updates: 30)
            let inspection = try RunInspection(log: log)
            #expect(inspection.finished && inspection.updatesAccepted == 30 && inspection.version == 6)
            let benchmark = try ReplayBenchmark(log: log, runs: 2)
            #expect(benchmark.bytes == (try Data(contentsOf: URL(fileURLWithPath: run.segment(1))).count))
            let rows = try benchmark.run()
            #expect(rows.map(\.records) == [0] + [Int](repeating: inspection.records, count: 3))
            #expect(rows.allSatisfy { $0.bytesPerSecond > 0 })
            let snapshot = try SnapshotBenchmark(log: log, in: folder + "/snapshots")
            #expect(snapshot.version == 6 && snapshot.bytes > 10_000)
        }
    }
}
