extension LogContents {
    /// All that follows the last chunk of a finished file: data end, summary, summary offsets, footer, magic.
    func closingSection() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendRecord(.dataEnd) { $0.append(integer: checksum.value) }
        guard hasSummary else {
            // All fields of its footer are 0 then, the checksum too.
            bytes.appendRecord(.footer) { $0.append(contentsOf: [UInt8](repeating: 0, count: 20)) }
            return bytes + LogFormat.magic
        }
        let summaryStart = bytes.count
        let groups = appendSummary(to: &bytes)
        let offsetsStart = bytes.count
        for group in groups {
            bytes.appendRecord(.summaryOffset) { content in
                content.append(group.kind.rawValue)
                content.append(integer: length + UInt64(group.range.lowerBound))
                content.append(integer: UInt64(group.range.count))
            }
        }
        appendFooter(to: &bytes, summaryStart: summaryStart, offsetsStart: offsetsStart)
        bytes.append(contentsOf: LogFormat.magic)
        return bytes
    }

    private typealias Group = (kind: RecordKind, range: Range<Int>)

    private func appendSummary(to bytes: inout [UInt8]) -> [Group] {
        var groups: [Group] = []
        func group(_ kind: RecordKind, _ write: (inout [UInt8]) -> Void) {
            let start = bytes.count
            write(&bytes)
            if bytes.count > start { groups.append((kind, start..<bytes.count)) }
        }
        group(.schema) { bytes in
            for (index, schema) in registry.schemas.enumerated() {
                bytes.append(schema, id: SchemaID(value: UInt16(index + 1)))
            }
        }
        group(.channel) { bytes in
            for (index, channel) in registry.channels.enumerated() {
                bytes.append(channel, id: ChannelID(value: UInt16(index + 1)))
            }
        }
        group(.statistics) { appendStatistics(to: &$0) }
        group(.chunkIndex) { $0.append(contentsOf: chunkIndex) }
        return groups
    }

    private func appendStatistics(to bytes: inout [UInt8]) {
        bytes.appendRecord(.statistics) { content in
            content.append(integer: messageCount)
            content.append(integer: UInt16(registry.schemas.count))
            content.append(integer: UInt32(registry.channels.count))
            // No attachments and no metadata records.
            content.append(integer: UInt32(0))
            content.append(integer: UInt32(0))
            content.append(integer: UInt32(truncatingIfNeeded: chunkCount))
            content.append(integer: times?.start ?? 0)
            content.append(integer: times?.end ?? 0)
            let counted = messageCounts.enumerated().filter { $0.element > 0 }
            content.append(integer: UInt32(counted.count * 10))
            for (ordinal, count) in counted {
                content.append(integer: UInt16(ordinal + 1))
                content.append(integer: count)
            }
        }
    }

    /// The footer's checksum covers the summary and the footer up to the checksum itself.
    private func appendFooter(to bytes: inout [UInt8], summaryStart: Int, offsetsStart: Int) {
        bytes.append(RecordKind.footer.rawValue)
        bytes.append(integer: UInt64(20))
        bytes.append(integer: length + UInt64(summaryStart))
        bytes.append(integer: length + UInt64(offsetsStart))
        let checksum = bytes.withUnsafeBytes { Checksum.of(UnsafeRawBufferPointer(rebasing: $0[summaryStart...])) }
        bytes.append(integer: checksum)
    }
}
