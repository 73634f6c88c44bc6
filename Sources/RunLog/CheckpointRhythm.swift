import Federation

/// When the log gets a checkpoint: at the end of a commit that makes a version, and of one that comes long after the last.
struct CheckpointRhythm {
    /// Records and time after which the next commit ends with a checkpoint.
    private static let records: UInt64 = 1000
    private static let interval: Duration = .seconds(10)

    /// Whether a version was published since the last one.
    var hasVersion = false
    private var last: (records: UInt64, time: Timestamp)?

    /// - Parameter records: of the log.
    mutating func isDue(records: UInt64, at time: Timestamp) -> Bool {
        let last = last ?? (records, time)
        self.last = last
        return hasVersion || records - last.records >= Self.records || time - last.time >= Self.interval
    }

    mutating func written(records: UInt64, at time: Timestamp) {
        hasVersion = false
        last = (records, time)
    }
}
