import CChecksum
import CZlib
import Testing

/// The folded CRC32 is zlib's, whatever the length, the address and what came before.
@Suite struct ChecksumTests {
    @Test func agreesWithZlib() {
        var random = SystemRandomNumberGenerator()
        let bytes = (0..<5000).map { _ in UInt8.random(in: 0...255, using: &random) }
        bytes.withUnsafeBufferPointer { bytes in
            let start = bytes.baseAddress!
            for length in Array(0...300) + [1000, 4095, 4096, 4900] {
                for offset in [0, 1, 7, 15, 16, 63] {
                    let before = UInt32.random(in: 0...(.max), using: &random)
                    #expect(
                        checksum_crc32(before, start + offset, length)
                            == UInt32(truncatingIfNeeded: crc32_z(uLong(before), start + offset, length)),
                        "\(length) bytes at \(offset) behind \(before)")
                }
            }
        }
    }
}
