import Federation

extension AggregatorCodec {
    /// The same bytes as `encode` gives for `.globalPrompts`, made of a payload that was encoded before.
    /// - Parameter payload: `globalPromptsPayload` of the version.
    public static func encode(globalPromptsPayload payload: [UInt8], incarnation: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(payload.count + 32)
        append(field: 1, wireType: 0, UInt64(protocolVersion), to: &bytes)
        if incarnation != 0 { append(field: 2, wireType: 0, incarnation, to: &bytes) }
        append(field: 5, wireType: 2, UInt64(payload.count), to: &bytes)
        return bytes + payload
    }

    /// A field's key and a varint, as protobuf writes them.
    private static func append(field: UInt8, wireType: UInt8, _ value: UInt64, to bytes: inout [UInt8]) {
        bytes.append(field << 3 | wireType)
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
