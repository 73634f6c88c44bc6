/// The records of the MCAP format that a log uses, by their opcodes.
public enum RecordKind: UInt8, Sendable, CaseIterable {
    case header = 0x01
    case footer = 0x02
    case schema = 0x03
    case channel = 0x04
    case message = 0x05
    case chunk = 0x06
    case messageIndex = 0x07
    case chunkIndex = 0x08
    case statistics = 0x0B
    case summaryOffset = 0x0E
    case dataEnd = 0x0F
    /// The eight bytes at the end of a closed file. They are no record and have no opcode in the format.
    case trailingMagic = 0xFE
    /// Bytes that stand where a record should begin but are none.
    case unknown = 0xFF

    public var name: String {
        switch self {
        case .header: "header"
        case .footer: "footer"
        case .schema: "schema"
        case .channel: "channel"
        case .message: "message"
        case .chunk: "chunk"
        case .messageIndex: "message index"
        case .chunkIndex: "chunk index"
        case .statistics: "statistics"
        case .summaryOffset: "summary offset"
        case .dataEnd: "data end"
        case .trailingMagic: "trailing magic"
        case .unknown: "unknown"
        }
    }
}

/// The fixed parts of a file.
package enum LogFormat {
    package static let magic: [UInt8] = [0x89, 0x4D, 0x43, 0x41, 0x50, 0x30, 0x0D, 0x0A]
    /// Names the conventions of this log on top of MCAP: what the reader may count on and therefore checks.
    static let profile = "impromptu-log-1"
    static let library = "impromptu"
    /// An opcode and a length.
    static let recordPrefixSize = 9
    /// A chunk record up to its first inner record: prefix, two times, size, checksum, empty compression, size.
    static let chunkHeadSize = recordPrefixSize + 40
    /// Channel, sequence and two times before a message's data.
    static let messageHeadSize = 22
    /// One pair of time and offset in a message index.
    static let indexEntrySize = 16

    /// What every log starts with: the magic and the header record. It never changes within a profile, so a
    /// reader can compare it byte for byte.
    static let opening: [UInt8] = {
        var bytes = magic
        bytes.appendRecord(.header) { content in
            content.append(string: profile)
            content.append(string: library)
        }
        return bytes
    }()
}
