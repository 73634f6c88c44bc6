import MessageLog

/// Measures how fast a disk takes a log and gives it back, beside a plain file as the yardstick.
public struct LogBenchmark: Sendable {
    public var recordBytes: Int
    public var recordCount: Int
    public var recordsPerCommit: Int

    public init(recordBytes: Int, recordCount: Int, recordsPerCommit: Int) {
        self.recordBytes = max(1, recordBytes)
        self.recordCount = max(1, recordCount)
        self.recordsPerCommit = max(1, recordsPerCommit)
    }

    /// What was moved, and how long it took.
    public struct Measurement: Sendable {
        public var records: Int
        /// Of the records alone.
        public var bytes: Int
        public var duration: Duration

        public var seconds: Double {
            let (seconds, attoseconds) = duration.components
            return Double(seconds) + Double(attoseconds) * 1e-18
        }
        public var recordsPerSecond: Double { Double(records) / seconds }
        public var bytesPerSecond: Double { Double(bytes) / seconds }
    }

    /// Writes a new log at `path`.
    /// - Throws: `LogError`.
    public func appendToLog(path: String) throws(LogError) -> Measurement {
        let record = pattern
        let start = ContinuousClock.now
        let writer = try LogWriter(path: path, mode: .create)
        let channel = try writer.addChannel(topic: "benchmark", schema: .none)
        for number in 1...recordCount {
            try writer.append(channel: channel, logTime: UInt64(number), data: record)
            if number % recordsPerCommit == 0 { try writer.commit() }
        }
        try writer.close()
        return Measurement(records: recordCount, bytes: recordCount * recordBytes, duration: .now - start)
    }

    /// Writes the same records to a plain file at `path`, with as many syncs.
    /// - Throws: `LogError`.
    public func appendRaw(path: String) throws(LogError) -> Measurement {
        let record = pattern
        var buffer: [UInt8] = []
        let start = ContinuousClock.now
        let file = try LogFile.create(path)
        var length: UInt64 = 0
        for number in 1...recordCount {
            buffer.append(contentsOf: record)
            guard number % recordsPerCommit == 0 || number == recordCount else { continue }
            try file.write(buffer.span.bytes, at: length)
            try file.synchronize()
            length += UInt64(buffer.count)
            buffer.removeAll(keepingCapacity: true)
        }
        return Measurement(records: recordCount, bytes: recordCount * recordBytes, duration: .now - start)
    }

    /// Reads any log from end to end and checks it.
    /// - Throws: `LogError`.
    public static func scan(path: String) throws(LogError) -> Measurement {
        let start = ContinuousClock.now
        var reader = try LogReader(path: path)
        var measurement = Measurement(records: 0, bytes: 0, duration: .zero)
        while let message = try reader.next() {
            measurement.records += 1
            measurement.bytes += message.data.count
        }
        measurement.duration = .now - start
        return measurement
    }

    private var pattern: [UInt8] { (0..<recordBytes).map { UInt8(truncatingIfNeeded: $0 &* 37) } }
}
