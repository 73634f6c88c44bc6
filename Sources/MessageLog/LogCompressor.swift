/// Writes a closed log again with compressed chunks. The records, their order and their indexes stay, so every reader takes
/// the one file for the other, and so does whoever verifies its chain.
package enum LogCompressor {
    /// - Parameter file: a new one, which holds the log on the disk when this returns.
    /// - Throws: `LogError.damaged` and the like for a log that cannot be read, `.unusable` for one that was not closed.
    package static func write(_ map: FileMap, to file: some LogStorage) throws(LogError) {
        var scanner = try LogScanner(map)
        var contents = LogContents()
        func add(_ bytes: [UInt8]) throws(LogError) {
            try file.write(bytes.span.bytes, at: contents.length)
            bytes.withUnsafeBytes { contents.addBytes($0) }
        }
        try add(LogFormat.opening)
        while try scanner.nextChunk() {
            let offset = contents.length
            let (head, records) = scanner.chunk!
            let content = UnsafeRawBufferPointer(rebasing: scanner.records.bytes[records])
            guard var bytes = chunk(head, content) else {
                throw .unusable(path: map.path, reason: "no memory to compress \(content.count) bytes")
            }
            let length = bytes.count
            let locations = scanner.index.encode(into: &bytes, fileOffset: offset + UInt64(length))
            try add(bytes)
            contents.registry = scanner.contents.registry
            for message in scanner.messages { contents.addMessage(channel: message.channel) }
            contents.addChunk(
                LogContents.ChunkEntry(
                    offset: offset, length: UInt64(length), compression: .zstd, recordsSize: UInt64(content.count),
                    storedSize: UInt64(
                        length - LogFormat.chunkHeadSize - ChunkHead.Compression.zstd.rawValue.utf8.count),
                    times: scanner.times, index: locations, indexLength: UInt64(bytes.count - length)))
        }
        guard scanner.end == .closed else {
            throw .unusable(path: map.path, reason: "expected a log that was closed, found one that was not")
        }
        var closing = ClosingSection(of: contents)
        while let piece = closing.piece() { try add(piece) }
        try file.synchronize()
    }

    /// Whether a log's first chunk is compressed, which holds its schemas and so gets smaller.
    package static func isCompressed(_ map: FileMap) -> Bool {
        ChunkHead(map.bytes, at: LogFormat.opening.count)?.compression == .zstd
    }

    private static func chunk(_ head: ChunkHead, _ records: UnsafeRawBufferPointer) -> [UInt8]? {
        guard let frame = Zstandard.pack(records) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(frame.count + 1024)
        bytes.appendRecord(.chunk) { content in
            content.append(integer: head.startTime)
            content.append(integer: head.endTime)
            content.append(integer: UInt64(records.count))
            content.append(integer: head.checksum)
            content.append(string: ChunkHead.Compression.zstd.rawValue)
            content.append(integer: UInt64(frame.count))
            content.append(contentsOf: frame)
        }
        return bytes
    }
}
