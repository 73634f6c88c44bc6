import Benchmarks
import Foundation
import MessageLog
import TestSupport
import Testing

@Suite struct LogBenchmarkTests {
    @Test func itWritesAndReadsWhatItCounts() throws {
        try withTemporaryFolder { folder in
            let benchmark = LogBenchmark(recordBytes: 1000, recordCount: 50, recordsPerCommit: 8)
            let written = try benchmark.appendToLog(path: "\(folder)/a.mcap")
            let raw = try benchmark.appendRaw(path: "\(folder)/a.raw")
            let scanned = try LogBenchmark.scan(path: "\(folder)/a.mcap")
            for measurement in [written, raw, scanned] {
                #expect(measurement.records == 50)
                #expect(measurement.bytes == 50_000)
                #expect(measurement.bytesPerSecond > 0)
                #expect(measurement.recordsPerSecond > 0)
            }
            #expect(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/a.raw")).count == 50_000)
            var reader = try LogReader(path: "\(folder)/a.mcap")
            while try reader.next() != nil {}
            #expect(reader.end == .closed)
            #expect(throws: LogError.exists(path: "\(folder)/a.mcap")) {
                try benchmark.appendToLog(path: "\(folder)/a.mcap")
            }
        }
    }
}
