import PromptAggregation

/// When a snapshot is due: so many versions after the last one, and once the log has grown by several times what that
/// one takes. So snapshots never write more than a fraction of what the log does, however large the state is.
package struct SnapshotRhythm {
    /// In versions; 0 for no snapshots.
    package let interval: Int
    private let growth: Int
    private var version: Version = 0
    private var length: UInt64 = 0
    private var size = 0

    /// - Parameters:
    ///   - growth: of the log since a snapshot, over that snapshot's size.
    ///   - start: the snapshot that recovery started from.
    package init(interval: Int, growth: Int = 4, since start: RunRecovery.Start? = nil) {
        self.interval = interval
        self.growth = growth
        if let start { kept(version: start.version, length: start.length, size: start.size) }
    }

    package func isDue(version: Version, length: UInt64) -> Bool {
        interval > 0 && version - self.version >= interval && length - min(length, self.length) >= UInt64(growth * size)
    }

    /// - Parameters:
    ///   - version: of the snapshot.
    ///   - length: of the log before it.
    ///   - size: of the snapshot in bytes.
    package mutating func kept(version: Version, length: UInt64, size: Int) {
        self.version = version
        self.length = length
        self.size = size
    }
}
