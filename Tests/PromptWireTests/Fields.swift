/// Protobuf's encoding by hand, so that a test can write what no correct encoder would.
struct Fields {
    var bytes: [UInt8] = []

    func number(_ field: Int, _ value: UInt64) -> Fields { key(field, wireType: 0).raw(varint(value)) }

    func number(_ field: Int, _ value: Int64) -> Fields { number(field, UInt64(bitPattern: value)) }

    /// A sint64 (zigzag).
    func signed(_ field: Int, _ value: Int64) -> Fields {
        number(field, UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    func real(_ field: Int, _ value: Double) -> Fields {
        key(field, wireType: 1).raw((0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) })
    }

    func blob(_ field: Int, _ value: [UInt8]) -> Fields {
        key(field, wireType: 2).raw(varint(UInt64(value.count)) + value)
    }

    func text(_ field: Int, _ value: String) -> Fields { blob(field, Array(value.utf8)) }

    func message(_ field: Int, _ value: Fields) -> Fields { blob(field, value.bytes) }

    /// A packed repeated field of varints.
    func numbers(_ field: Int, _ values: [UInt64]) -> Fields { blob(field, values.flatMap(varint)) }

    func raw(_ more: [UInt8]) -> Fields { Fields(bytes: bytes + more) }

    private func key(_ field: Int, wireType: Int) -> Fields { raw(varint(UInt64(field << 3 | wireType))) }

    private func varint(_ value: UInt64) -> [UInt8] {
        var rest = value
        var bytes: [UInt8] = []
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
}
