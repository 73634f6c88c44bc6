import MessageLog
import Testing

@Suite struct LogBenchmarkTests {
    @Test func itWritesAndReadsWhatItCounts() throws {
        let scratch = try Scratch()
        let benchmark = LogBenchmark(recordBytes: 1000, recordCount: 50, recordsPerCommit: 8)
        let written = try benchmark.appendToLog(path: scratch.path("a.mcap"))
        let raw = try benchmark.appendRaw(path: scratch.path("a.raw"))
        let scanned = try LogBenchmark.scan(path: scratch.path("a.mcap"))
        for measurement in [written, raw, scanned] {
            #expect(measurement.records == 50)
            #expect(measurement.bytes == 50_000)
            #expect(measurement.bytesPerSecond > 0)
            #expect(measurement.recordsPerSecond > 0)
        }
        #expect(try readFile(scratch.path("a.raw")).count == 50_000)
        #expect(try readLog(scratch.path("a.mcap")).end == .closed)
        #expect(throws: LogError.exists(path: scratch.path("a.mcap"))) {
            try benchmark.appendToLog(path: scratch.path("a.mcap"))
        }
    }
}
