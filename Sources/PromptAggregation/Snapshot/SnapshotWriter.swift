/// Writes values one after the other as bytes: whole numbers and floating point numbers little-endian, lists after their
/// count, optional values after a 0 or a 1. Equal values give equal bytes.
///
/// A snapshot begins with `SnapshotFormat.magic` and the format's version and ends with a checksum of all bytes before it.
public struct SnapshotWriter: Sendable {
    private var bytes: [UInt8] = []

    package init() {
        bytes = SnapshotFormat.magic
        write(SnapshotFormat.version)
    }

    /// The snapshot of all that was written.
    package consuming func finish() -> [UInt8] {
        write(SnapshotFormat.checksum(bytes[...]))
        return bytes
    }

    package mutating func write(_ value: UInt64) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    package mutating func write(_ value: Int) { write(UInt64(bitPattern: Int64(value))) }
    package mutating func write(_ value: Double) { write(value.bitPattern) }
    package mutating func write(_ value: Bool) { write(UInt64(value ? 1 : 0)) }

    package mutating func write(_ text: String) { write(bytes: Array(text.utf8)) }

    package mutating func write(bytes other: [UInt8]) {
        write(other.count)
        bytes.append(contentsOf: other)
    }

    package mutating func write(_ values: [Float]) { write(words: values.map { $0.bitPattern.littleEndian }) }
    package mutating func write(_ values: [Double]) { write(words: values.map { $0.bitPattern.littleEndian }) }
    package mutating func write(_ values: [UInt64]) { write(words: values.map { $0.littleEndian }) }
    package mutating func write(_ values: [Int]) { write(words: values.map { $0.littleEndian }) }

    private mutating func write<Word: FixedWidthInteger>(words: [Word]) {
        write(words.count)
        words.withUnsafeBytes { bytes.append(contentsOf: $0) }
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

package enum SnapshotFormat {
    static let magic: [UInt8] = Array("imprsnap".utf8)
    static let version: UInt64 = 3

    /// FNV-1a of 64 bits (Fowler, Noll, Vo), taken over words of eight bytes; the last word is filled up with zeros.
    package static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.withUnsafeBytes { bytes in
            var sum: UInt64 = 0xCBF2_9CE4_8422_2325
            let whole = bytes.count & ~7
            for place in stride(from: 0, to: whole, by: 8) {
                sum ^= UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
                sum = sum &* 0x0000_0100_0000_01B3
                sum ^= sum >> 32
            }
            var word: UInt64 = 0
            for place in whole..<bytes.count { word |= UInt64(bytes[place]) << UInt64(8 * (place - whole)) }
            return (sum ^ word ^ UInt64(bytes.count)) &* 0x0000_0100_0000_01B3
        }
    }
}
