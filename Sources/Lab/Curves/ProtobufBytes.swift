/// Fields of a protobuf message, in the order in which they are added.
struct ProtobufBytes {
    private(set) var bytes: [UInt8] = []

    private mutating func addVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private mutating func addKey(_ field: Int, wire: Int) { addVarint(UInt64(field << 3 | wire)) }

    /// An integer or an enumeration; negative ones as int64 has them.
    mutating func add(_ field: Int, _ value: Int) {
        addKey(field, wire: 0)
        addVarint(UInt64(bitPattern: Int64(value)))
    }

    mutating func add(_ field: Int, _ value: Double) {
        addKey(field, wire: 1)
        addLittleEndian(value.bitPattern)
    }

    mutating func add(_ field: Int, _ value: Float) {
        addKey(field, wire: 5)
        addLittleEndian(value.bitPattern)
    }

    mutating func add(_ field: Int, _ value: some Collection<UInt8>) {
        addKey(field, wire: 2)
        addVarint(UInt64(value.count))
        bytes += value
    }

    mutating func add(_ field: Int, _ value: String) { add(field, Array(value.utf8)) }

    mutating func add(_ field: Int, _ build: (inout ProtobufBytes) -> Void) {
        var message = ProtobufBytes()
        build(&message)
        add(field, message.bytes)
    }

    private mutating func addLittleEndian(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
    }
}
