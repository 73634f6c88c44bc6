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
            #expect(found.versions == 400 && found.records > 800)
            #expect(found.snapshotBytes > 0 && found.replayedRecords < found.records)
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
            #expect(benchmark.bytes == (try Data(contentsOf: URL(fileURLWithPath: log)).count))
            let rows = try benchmark.run()
            #expect(rows.map(\.records) == [0] + [Int](repeating: inspection.records, count: 3))
            #expect(rows.allSatisfy { $0.bytesPerSecond > 0 })
            let snapshot = try SnapshotBenchmark(log: log, in: folder + "/snapshots")
            #expect(snapshot.version == 6 && snapshot.bytes > 10_000)
        }
    }
}
