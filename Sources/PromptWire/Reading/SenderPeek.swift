import Federation
import PromptAggregation

/// Reads who a client's message says that it is from out of its first bytes, for one that is too large to be unpacked.
enum SenderPeek {
    private static let body = 2...15
    private static let text: UInt64 = 2

    /// Nil where the body does not begin with a client, as a presence does not.
    static func sender(of bytes: UnsafeRawBufferPointer) -> ClientID? {
        var rest = bytes[...]
        while let tag = Varint.read(&rest) {
            if tag & 7 == 0 {
                guard Varint.read(&rest) != nil else { return nil }
                continue
            }
            guard tag & 7 == text, body.contains(Int(clamping: tag >> 3)), Varint.read(&rest) != nil,
                Varint.read(&rest) == 1 << 3 | text, let length = Varint.read(&rest),
                length <= UInt64(WireLimits().nameBytes),
                rest.count >= Int(length)
            else { return nil }
            let name = rest.prefix(Int(length))
            guard !name.isEmpty, name.allSatisfy(ClientID.mayHold) else { return nil }
            return ClientID(String(decoding: name, as: UTF8.self))
        }
        return nil
    }
}
