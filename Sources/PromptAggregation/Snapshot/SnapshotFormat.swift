package enum SnapshotFormat {
    static let magic: [UInt8] = Array("imprsnap".utf8)
    static let version: UInt64 = 5
    /// Bytes of the checksum at a snapshot's end.
    static let checksumSize = 8

    /// `SnapshotChecksum` of some bytes.
    package static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        var sum = SnapshotChecksum()
        bytes.withUnsafeBytes { sum.take($0) }
        return sum.value
    }
}

/// FNV-1a of 64 bits (Fowler, Noll, Vo), taken over words of eight bytes; the last word is filled up with zeros.
package struct SnapshotChecksum: Sendable {
    private var sum: UInt64 = 0xCBF2_9CE4_8422_2325
    /// The bytes behind the last whole word, and their number.
    private var word: UInt64 = 0
    private var filled: UInt64 = 0
    private var count: UInt64 = 0

    package init() {}

    /// Of all bytes so far, in whatever parts they came.
    package var value: UInt64 { (sum ^ word ^ count) &* 0x0000_0100_0000_01B3 }

    package mutating func take(_ bytes: UnsafeRawBufferPointer) {
        count += UInt64(bytes.count)
        var place = 0
        while place + 8 <= bytes.count {
            let next = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
            mix(word | next << (8 * filled))
            word = filled == 0 ? 0 : next >> (64 - 8 * filled)
            place += 8
        }
        for byte in bytes[place...] {
            word |= UInt64(byte) << (8 * filled)
            filled += 1
            if filled == 8 {
                mix(word)
                (word, filled) = (0, 0)
            }
        }
    }

    private mutating func mix(_ word: UInt64) {
        sum ^= word
        sum = sum &* 0x0000_0100_0000_01B3
        sum ^= sum >> 32
    }
}

/// A snapshot as it is written, byte by byte beside the one that it is compared with.
struct SnapshotComparison: Sendable {
    private let expected: ArraySlice<UInt8>
    private var place = 0
    private var differs = false

    init(_ expected: ArraySlice<UInt8>) { self.expected = expected }

    mutating func take(_ bytes: UnsafeRawBufferPointer) {
        guard !differs, bytes.count <= expected.count - place else {
            differs = true
            return
        }
        let start = place
        place += bytes.count
        differs = expected.withUnsafeBytes { expected in
            var offset = 0
            while offset + 8 <= bytes.count {
                if bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                    != expected.loadUnaligned(fromByteOffset: start + offset, as: UInt64.self)
                {
                    return true
                }
                offset += 8
            }
            return (offset..<bytes.count).contains { bytes[$0] != expected[start + $0] }
        }
    }

    /// Whether only the checksum is left, and right.
    var isEqual: Bool {
        guard !differs, place == expected.count - SnapshotFormat.checksumSize else { return false }
        let sum = SnapshotFormat.checksum(expected.prefix(place))
        return expected.withUnsafeBytes {
            UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: place, as: UInt64.self)) == sum
        }
    }
}
