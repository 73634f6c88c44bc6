/// Where the messages of one chunk lie, by channel. The writer fills it while it appends; the reader fills it while it
/// checks the chunk and compares the outcome with what the file says.
struct MessageIndex {
    /// Encoded pairs of time and offset, by the channel's ordinal.
    private var entries: [[UInt8]] = []
    private var channels: [UInt16] = []

    /// Location of one channel's index record in the file.
    struct Location: Equatable {
        var channel: UInt16
        var offset: UInt64
    }

    /// `offset` counts from the chunk's first inner record.
    mutating func add(channel: ChannelID, logTime: UInt64, offset: UInt64) {
        while entries.count <= channel.ordinal { entries.append([]) }
        if entries[channel.ordinal].isEmpty { channels.append(channel.value) }
        entries[channel.ordinal].append(integer: logTime)
        entries[channel.ordinal].append(integer: offset)
    }

    /// Forgets the messages but keeps the memory for the next chunk.
    mutating func removeAll() {
        for channel in channels { entries[Int(channel) - 1].removeAll(keepingCapacity: true) }
        channels.removeAll(keepingCapacity: true)
    }

    /// Appends one record a channel, ascending by channel, and says where each begins, `fileOffset` being where
    /// the first one does.
    func encode(into bytes: inout [UInt8], fileOffset: UInt64) -> [Location] {
        var locations: [Location] = []
        let start = bytes.count
        for channel in channels.sorted() {
            locations.append(Location(channel: channel, offset: fileOffset + UInt64(bytes.count - start)))
            let pairs = entries[Int(channel) - 1]
            bytes.appendRecord(.messageIndex) { content in
                content.append(integer: channel)
                content.append(integer: UInt32(pairs.count))
                content.append(contentsOf: pairs)
            }
        }
        return locations
    }
}
