extension [UInt8] {
    mutating func append<Value: FixedWidthInteger>(integer value: Value) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    /// A length in four bytes, then UTF-8. Callers have checked that the string is shorter than 4 GiB.
    mutating func append(string: String) {
        let utf8 = string.utf8
        append(integer: UInt32(utf8.count))
        append(contentsOf: utf8)
    }

    mutating func overwrite<Value: FixedWidthInteger>(at offset: Int, with value: Value) {
        withUnsafeMutableBytes { $0.storeBytes(of: value.littleEndian, toByteOffset: offset, as: Value.self) }
    }

    /// Appends an opcode, a length and what `content` writes.
    mutating func appendRecord(_ kind: RecordKind, content: (inout [UInt8]) -> Void) {
        append(kind.rawValue)
        let lengthOffset = count
        append(integer: UInt64(0))
        content(&self)
        overwrite(at: lengthOffset, with: UInt64(count - lengthOffset - 8))
    }
}

extension UnsafeRawBufferPointer {
    /// An integer at any alignment. The caller has checked that it lies within the buffer.
    func integer<Value: FixedWidthInteger & BitwiseCopyable>(_: Value.Type, at offset: Int) -> Value {
        Value(littleEndian: loadUnaligned(fromByteOffset: offset, as: Value.self))
    }
}

/// Reads fields one after the other and says nil, instead of trapping, where the bytes end too early.
struct FieldCursor {
    private let bytes: UnsafeRawBufferPointer
    private(set) var position = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { position == bytes.count }

    mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(_: Value.Type) -> Value? {
        let size = MemoryLayout<Value>.size
        guard bytes.count - position >= size else { return nil }
        defer { position += size }
        return bytes.integer(Value.self, at: position)
    }

    /// A length in four bytes and that many bytes.
    mutating func sized() -> UnsafeRawBufferPointer? {
        guard let size = integer(UInt32.self), bytes.count - position >= Int(size) else { return nil }
        defer { position += Int(size) }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<position + Int(size)])
    }

    mutating func string() -> String? {
        guard let utf8 = sized() else { return nil }
        return String(validating: utf8, as: UTF8.self)
    }
}
