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

    /// Takes the number that bytes begin with; nil where they do not begin with a whole one.
    static func read(_ rest: inout Slice<UnsafeRawBufferPointer>) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = rest.popFirst() else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }
}
