import CChecksum
import CZlib

/// The CRC32 of a run of bytes (ISO 3309, as in gzip and MCAP), which grows with the run.
struct Checksum: Equatable {
    private(set) var value: UInt32

    /// - Parameter value: of the bytes so far.
    init(_ value: UInt32 = 0) { self.value = value }

    static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var checksum = Checksum()
        checksum.add(bytes)
        return checksum.value
    }

    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.bindMemory(to: UInt8.self).baseAddress else { return }
        value = checksum_crc32(value, start, bytes.count)
    }

    /// Adds `size` bytes when only their checksum is known: the sum over a whole file then costs no second pass.
    mutating func add(checksum: UInt32, size: Int) {
        value = UInt32(truncatingIfNeeded: crc32_combine(uLong(value), uLong(checksum), size))
    }
}
