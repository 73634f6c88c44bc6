import Federation
import MessageLog
import RunSettings

/// Removes the oldest segments of a log that need not be kept, and compresses those that others follow. The last one stays
/// in any case: it begins with the state that the run continues from.
package struct SegmentUpkeep {
    private let storage: any RunStorage
    private let rules: RunConfiguration.Log

    package init(of storage: some RunStorage, by rules: RunConfiguration.Log) {
        self.storage = storage
        self.rules = rules
    }

    /// - Parameter time: now, by the log's clock.
    /// - Returns: how many were removed and compressed.
    package func apply(at time: Timestamp) throws -> (removed: Int, compressed: Int) {
        let removed = try remove(at: time)
        guard rules.compresses else { return (removed, 0) }
        return (removed, try storage.segments().dropLast().count { try storage.compressSegment($0) })
    }

    /// Removes them one by one, each gone from the disk before the next is touched, so that a crash leaves no gap.
    private func remove(at time: Timestamp) throws -> Int {
        guard rules.keptSegments != nil || rules.keptBytes != nil || rules.keptAge != nil else { return 0 }
        let numbers = try storage.segments()
        var sizes = try numbers.map { try storage.size(ofSegment: $0) }
        for (place, number) in numbers.dropLast().enumerated() {
            let isSpare =
                numbers.count - place > rules.keptSegments ?? .max || sizes.reduce(0, +) > rules.keptBytes ?? .max
            guard try isSpare || isOutdated(before: numbers[place + 1], at: time) else { return place }
            try storage.removeSegment(number)
            sizes.removeFirst()
        }
        return max(0, numbers.count - 1)
    }

    /// Whether all records before a segment are too old: those before its first one.
    private func isOutdated(before segment: Int, at time: Timestamp) throws -> Bool {
        guard let age = rules.keptAge else { return false }
        var reader = try storage.readSegment(segment)
        guard let first = try reader.next() else { return false }
        return time - Timestamp(nanoseconds: Int64(clamping: first.logTime)) > age
    }
}
