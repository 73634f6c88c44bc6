/// The last field of a protobuf message, where it is one of many bytes that are not to be copied with the others.
package enum LastField {
    private static let (number, bytes): (UInt64, UInt64) = (0, 2)

    /// What stands before the field's bytes.
    package static func head(_ field: Int, _ byteCount: Int) -> [UInt8] {
        Varint.bytes(UInt64(field) << 3 | bytes) + Varint.bytes(UInt64(byteCount))
    }

    /// The fields before the last and the last one's bytes.
    /// - Returns: nil for a message that does not end with this field, or where that is not known.
    package static func split(
        _ message: UnsafeRawBufferPointer, _ field: Int
    ) -> (before: UnsafeRawBufferPointer, content: UnsafeRawBufferPointer)? {
        var rest = message[...]
        while !rest.isEmpty {
            let start = rest.startIndex
            guard let tag = Varint.read(&rest) else { return nil }
            switch tag & 7 {
            case number: guard Varint.read(&rest) != nil else { return nil }
            case bytes:
                guard let length = Varint.read(&rest), length <= UInt64(rest.count) else { return nil }
                if tag >> 3 == UInt64(field), length == UInt64(rest.count) {
                    return (
                        UnsafeRawBufferPointer(rebasing: message[..<start]), UnsafeRawBufferPointer(rebasing: rest)
                    )
                }
                rest = rest.dropFirst(Int(length))
            default: return nil
            }
        }
        return nil
    }
}
