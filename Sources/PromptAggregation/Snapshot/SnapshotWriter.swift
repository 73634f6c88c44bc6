/// Writes values one after the other as bytes: whole numbers and floating point numbers little-endian, lists after their
/// count, optional values after a 0 or a 1. Equal values give equal bytes.
///
/// A snapshot begins with `SnapshotFormat.magic` and the format's version and ends with a checksum of all bytes before it.
public struct SnapshotWriter: Sendable {
    private var bytes: [UInt8] = []
    /// In place of bytes that are kept.
    private var comparison: SnapshotComparison?

    /// - Parameter capacity: about how many bytes there will be, so that they are not copied as they grow.
    package init(capacity: Int = 0) {
        bytes.reserveCapacity(capacity)
        begin()
    }

    /// One that keeps nothing, for `isEqual`.
    package init(comparingWith expected: ArraySlice<UInt8>) {
        comparison = SnapshotComparison(expected)
        begin()
    }

    private mutating func begin() {
        SnapshotFormat.magic.withUnsafeBytes { append($0) }
        write(SnapshotFormat.version)
    }

    private mutating func append(_ raw: UnsafeRawBufferPointer) {
        if comparison == nil { bytes.append(contentsOf: raw) } else { comparison!.take(raw) }
    }

    /// The snapshot of all that was written.
    package mutating func finish() -> [UInt8] {
        write(SnapshotFormat.checksum(bytes[...]))
        return bytes
    }

    /// The snapshot of all that was written and a list of bytes behind it, in parts, of which that list is one.
    package consuming func finish(with last: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        write(last.count)
        var sum = SnapshotChecksum()
        for part in [bytes[...], last] { part.withUnsafeBytes { sum.take($0) } }
        return [bytes[...], last, withUnsafeBytes(of: sum.value.littleEndian) { Array($0) }[...]]
    }

    /// Whether all that was written is the snapshot that it is compared with, down to the last byte.
    package consuming func isEqual() -> Bool { comparison?.isEqual ?? false }

    package mutating func write(_ value: UInt64) { withUnsafeBytes(of: value.littleEndian) { append($0) } }

    package mutating func write(_ value: Int) { write(UInt64(bitPattern: Int64(value))) }
    package mutating func write(_ value: Double) { write(value.bitPattern) }
    package mutating func write(_ value: Bool) { write(UInt64(value ? 1 : 0)) }

    package mutating func write(_ text: String) { write(bytes: Array(text.utf8)) }

    package mutating func write(bytes other: [UInt8]) {
        write(other.count)
        other.withUnsafeBytes { append($0) }
    }

    package mutating func write(_ values: [Float]) { write(words: values.map { $0.bitPattern.littleEndian }) }
    package mutating func write(_ values: [Double]) { write(words: values.map { $0.bitPattern.littleEndian }) }
    package mutating func write(_ values: [UInt64]) { write(words: values.map { $0.littleEndian }) }
    package mutating func write(_ values: [Int]) { write(words: values.map { $0.littleEndian }) }

    private mutating func write<Word: FixedWidthInteger>(words: [Word]) {
        write(words.count)
        words.withUnsafeBytes { append($0) }
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
