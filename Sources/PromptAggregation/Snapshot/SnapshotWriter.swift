/// Writes values one after the other as bytes: whole numbers and floating point numbers little-endian, lists after their
/// count, optional values after a 0 or a 1. Equal values give equal bytes.
///
/// A snapshot begins with `SnapshotFormat.magic` and the format's version and ends with a checksum of all bytes before it.
public struct SnapshotWriter {
    /// Gets a snapshot's bytes piece by piece, in their order.
    package typealias Taker = (UnsafeRawBufferPointer) -> Void

    /// All bytes; of a snapshot that is handed over, those that wait.
    private var bytes: [UInt8] = []
    private var take: Taker?
    /// In place of bytes that are kept.
    private var comparison: SnapshotComparison?
    private var onlyCounts = false
    private var count = 0
    /// Of the snapshot and of those within it that are being written, the innermost last.
    private var sums: [SnapshotChecksum] = []

    /// One that keeps all bytes.
    /// - Parameter capacity: about how many there will be, so that they are not copied as they grow.
    package init(capacity: Int = 0) {
        bytes.reserveCapacity(capacity)
        sums.append(SnapshotChecksum())
        begin()
    }

    /// One that hands its bytes over, so that a large snapshot is never in memory as a whole.
    package init(handingTo take: @escaping Taker) {
        self.take = take
        sums.append(SnapshotChecksum())
        begin()
    }

    /// One that keeps nothing, for `isEqual`.
    package init(comparingWith expected: ArraySlice<UInt8>) {
        comparison = SnapshotComparison(expected)
        begin()
    }

    private init(onlyCounts: Bool) {
        self.onlyCounts = onlyCounts
        begin()
    }

    /// The number of bytes of a snapshot with this content, which is not encoded for that.
    package static func count(of content: (inout SnapshotWriter) -> Void) -> Int {
        var writer = SnapshotWriter(onlyCounts: true)
        content(&writer)
        return writer.count + SnapshotFormat.checksumSize
    }

    private mutating func begin() {
        SnapshotFormat.magic.withUnsafeBytes { append($0) }
        write(SnapshotFormat.version)
    }

    /// Bytes that wait until they are handed over together.
    private static let piece = 1 << 16

    private mutating func append(_ raw: UnsafeRawBufferPointer) {
        count += raw.count
        if onlyCounts { return }
        for place in sums.indices { sums[place].take(raw) }
        if comparison != nil { return comparison!.take(raw) }
        if let take, raw.count >= Self.piece {
            handOver()
            return take(raw)
        }
        bytes.append(contentsOf: raw)
        if bytes.count >= Self.piece { handOver() }
    }

    private mutating func handOver() {
        guard let take else { return }
        bytes.withUnsafeBytes(take)
        bytes.removeAll(keepingCapacity: true)
    }

    /// Ends the snapshot.
    /// - Returns: its bytes; none where they are handed over.
    @discardableResult
    package mutating func finish() -> [UInt8] {
        write(sums.removeLast().value)
        handOver()
        return bytes
    }

    /// Whether all that was written is the snapshot that it is compared with, down to the last byte.
    package consuming func isEqual() -> Bool { comparison?.isEqual ?? false }

    /// Writes a snapshot within this one, as the list of its bytes.
    package mutating func write(snapshot content: (inout SnapshotWriter) -> Void) {
        write(onlyCounts ? 0 : Self.count(of: content))
        sums.append(SnapshotChecksum())
        begin()
        content(&self)
        write(sums.removeLast().value)
    }

    package mutating func write(_ value: UInt64) { withUnsafeBytes(of: value.littleEndian) { append($0) } }

    package mutating func write(_ value: Int) { write(UInt64(bitPattern: Int64(value))) }
    package mutating func write(_ value: Double) { write(value.bitPattern) }
    package mutating func write(_ value: Bool) { write(UInt64(value ? 1 : 0)) }

    package mutating func write(_ text: String) { write(bytes: Array(text.utf8)) }

    package mutating func write(bytes other: [UInt8]) { write(bytes: other[...]) }

    package mutating func write(bytes other: ArraySlice<UInt8>) {
        write(other.count)
        other.withUnsafeBytes { append($0) }
    }

    package mutating func write(_ values: [Float]) { write(floats: values.count) { values } }
    package mutating func write(_ values: [Double]) {
        write(values.count) { values.map { $0.bitPattern.littleEndian } }
    }
    package mutating func write(_ values: [UInt64]) { write(values.count) { values.map { $0.littleEndian } } }
    package mutating func write(_ values: [Int]) { write(values.count) { values.map { $0.littleEndian } } }

    /// - Parameter values: `count` of them; called where they are needed.
    package mutating func write(floats count: Int, _ values: () -> [Float]) {
        write(count) { values().map { $0.bitPattern.littleEndian } }
    }

    /// - Parameter words: called where they are needed.
    private mutating func write<Word: FixedWidthInteger>(_ number: Int, _ words: () -> [Word]) {
        write(number)
        if onlyCounts {
            count += number * MemoryLayout<Word>.size
        } else {
            words().withUnsafeBytes { append($0) }
        }
    }

    package mutating func write<Value>(_ value: Value?, _ write: (inout SnapshotWriter, Value) -> Void) {
        self.write(value != nil)
        if let value { write(&self, value) }
    }

    package mutating func write<Value>(_ values: [Value], _ write: (inout SnapshotWriter, Value) -> Void) {
        self.write(values.count)
        for value in values { write(&self, value) }
    }
}
