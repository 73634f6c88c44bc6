/// All that follows the last chunk of a finished file: data end, summary, summary offsets, footer, magic. It comes in pieces
/// of whole records, so that it takes little memory however many chunks it lists.
struct ClosingSection {
    private let contents: LogContents
    private var next = Part.head
    /// Where the next piece begins in the file.
    private var offset: UInt64
    private var groups: [Group] = []
    /// Of the summary so far.
    private var checksum = Checksum()

    private enum Part {
        /// Data end, declarations, statistics.
        case head
        /// The chunks of a block of the table.
        case chunks(Int)
        /// Summary offsets, footer, magic.
        case foot
        case done
    }

    /// The summary's records of a kind, by their bytes in the file.
    private struct Group {
        var kind: RecordKind
        var range: Range<UInt64>
    }

    init(of contents: LogContents) {
        self.contents = contents
        offset = contents.length
    }

    /// The next piece; nil behind the last.
    mutating func piece() -> [UInt8]? {
        var bytes: [UInt8] = []
        switch next {
        case .head:
            bytes.appendRecord(.dataEnd) { $0.append(integer: contents.checksum.value) }
            let dataEnd = bytes.count
            if contents.hasSummary {
                appendHead(to: &bytes)
                bytes.withUnsafeBytes { checksum.add(UnsafeRawBufferPointer(rebasing: $0[dataEnd...])) }
            }
            next = part(ofBlock: 0)
        case .chunks(let block):
            bytes = contents.chunks.records(ofBlock: block)
            add(.chunkIndex, offset..<offset + UInt64(bytes.count))
            bytes.withUnsafeBytes { checksum.add($0) }
            next = part(ofBlock: block + 1)
        case .foot:
            appendFoot(to: &bytes)
            next = .done
        case .done:
            return nil
        }
        offset += UInt64(bytes.count)
        return bytes
    }

    private func part(ofBlock block: Int) -> Part {
        contents.hasSummary && block < contents.chunks.blockCount ? .chunks(block) : .foot
    }

    private mutating func add(_ kind: RecordKind, _ range: Range<UInt64>) {
        guard !range.isEmpty else { return }
        if let last = groups.last, last.kind == kind {
            groups[groups.count - 1].range = last.range.lowerBound..<range.upperBound
        } else {
            groups.append(Group(kind: kind, range: range))
        }
    }

    private mutating func appendHead(to bytes: inout [UInt8]) {
        var start = bytes.count
        for (index, schema) in contents.registry.schemas.enumerated() {
            bytes.append(schema, id: SchemaID(value: UInt16(index + 1)))
        }
        add(.schema, offset + UInt64(start)..<offset + UInt64(bytes.count))
        start = bytes.count
        for (index, channel) in contents.registry.channels.enumerated() {
            bytes.append(channel, id: ChannelID(value: UInt16(index + 1)))
        }
        add(.channel, offset + UInt64(start)..<offset + UInt64(bytes.count))
        start = bytes.count
        appendStatistics(to: &bytes)
        add(.statistics, offset + UInt64(start)..<offset + UInt64(bytes.count))
    }

    private func appendStatistics(to bytes: inout [UInt8]) {
        bytes.appendRecord(.statistics) { content in
            content.append(integer: contents.messageCount)
            content.append(integer: UInt16(contents.registry.schemas.count))
            content.append(integer: UInt32(contents.registry.channels.count))
            // No attachments and no metadata records.
            content.append(integer: UInt32(0))
            content.append(integer: UInt32(0))
            content.append(integer: UInt32(truncatingIfNeeded: contents.chunkCount))
            content.append(integer: contents.times?.start ?? 0)
            content.append(integer: contents.times?.end ?? 0)
            let counted = contents.messageCounts.enumerated().filter { $0.element > 0 }
            content.append(integer: UInt32(counted.count * 10))
            for (ordinal, count) in counted {
                content.append(integer: UInt16(ordinal + 1))
                content.append(integer: count)
            }
        }
    }

    /// The footer's checksum covers the summary and the footer up to the checksum itself. Without a summary all of its
    /// fields are 0, the checksum too.
    private func appendFoot(to bytes: inout [UInt8]) {
        if contents.hasSummary {
            for group in groups {
                bytes.appendRecord(.summaryOffset) { content in
                    content.append(group.kind.rawValue)
                    content.append(integer: group.range.lowerBound)
                    content.append(integer: group.range.upperBound - group.range.lowerBound)
                }
            }
            bytes.append(RecordKind.footer.rawValue)
            bytes.append(integer: UInt64(20))
            bytes.append(integer: groups[0].range.lowerBound)
            bytes.append(integer: offset)
            var checksum = checksum
            bytes.withUnsafeBytes { checksum.add($0) }
            bytes.append(integer: checksum.value)
        } else {
            bytes.appendRecord(.footer) { $0.append(contentsOf: [UInt8](repeating: 0, count: 20)) }
        }
        bytes.append(contentsOf: LogFormat.magic)
    }
}
