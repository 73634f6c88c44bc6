/// Numbers as protobuf writes them: seven bits a byte, the lowest first.
package enum Varint {
    /// - Parameter length: the least number of bytes; the higher ones may be zero.
    package static func bytes(_ number: UInt64, length: Int = 1) -> [UInt8] {
        var (rest, bytes) = (number, [UInt8]())
        repeat {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        } while rest > 0 || bytes.count < length
        bytes[bytes.count - 1] &= 0x7F
        return bytes
    }
}
