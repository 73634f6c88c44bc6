/// A sound MCAP file that this log's writer did not write: somebody compressed a log, or cut it into other chunks.
enum ForeignFile {
    /// What the file is, nil unless it is whole by the format's own rules: then its bytes are damaged.
    static func words(_ bytes: UnsafeRawBufferPointer) -> String? {
        var walk = Walk()
        guard bytes.starts(with: LogFormat.magic), walk.isWhole(bytes) else { return nil }
        return walk.compression.map { "its chunks are compressed with \($0)" }
            ?? "its records are laid out in another way"
    }

    /// Goes from record to record.
    private struct Walk {
        var compression: String?
        private var hasEnded = false

        /// Whether the records follow one another up to the end of the file, and every checksum fits that there is.
        mutating func isWhole(_ bytes: UnsafeRawBufferPointer) -> Bool {
            var offset = LogFormat.magic.count
            while bytes.count - offset >= LogFormat.recordPrefixSize {
                let content = offset + LogFormat.recordPrefixSize
                let size = bytes.integer(UInt64.self, at: offset + 1)
                guard size <= UInt64(bytes.count - content) else { return false }
                let record = content..<content + Int(size)
                switch bytes[offset] {
                case RecordKind.footer.rawValue:
                    return hasEnded && isFooter(bytes, record)
                        && bytes[record.upperBound...].elementsEqual(LogFormat.magic)
                case RecordKind.dataEnd.rawValue:
                    guard !hasEnded, size == 4 else { return false }
                    hasEnded = true
                    guard fits(bytes.integer(UInt32.self, at: content), bytes[..<offset]) else { return false }
                case RecordKind.chunk.rawValue: guard isChunk(bytes, record) else { return false }
                // The other records of the format; attachments and metadata among them.
                case 0x01, 0x03...0x05, 0x07...0x0E: break
                default: return false
                }
                offset = record.upperBound
            }
            return false
        }

        private mutating func isChunk(_ bytes: UnsafeRawBufferPointer, _ record: Range<Int>) -> Bool {
            let head = 32
            guard record.count >= head else { return false }
            let checksum = bytes.integer(UInt32.self, at: record.lowerBound + 24)
            let nameSize = Int(bytes.integer(UInt32.self, at: record.lowerBound + 28))
            guard record.count - head - 8 >= nameSize else { return false }
            let place = record.lowerBound + head
            let name = String(decoding: bytes[place..<place + nameSize], as: UTF8.self)
            let start = place + nameSize + 8
            guard bytes.integer(UInt64.self, at: start - 8) == UInt64(record.upperBound - start) else { return false }
            if name.isEmpty { return fits(checksum, bytes[start..<record.upperBound]) }
            compression = name
            return ["zstd", "lz4"].contains(name)
        }

        /// The footer's checksum covers the summary and the footer up to the checksum.
        private func isFooter(_ bytes: UnsafeRawBufferPointer, _ record: Range<Int>) -> Bool {
            guard record.count == 20 else { return false }
            let checksum = bytes.integer(UInt32.self, at: record.lowerBound + 16)
            let start = bytes.integer(UInt64.self, at: record.lowerBound)
            guard start > 0 else { return true }
            guard start <= UInt64(record.lowerBound) else { return false }
            return fits(checksum, bytes[Int(start)..<record.lowerBound + 16])
        }

        /// 0 stands for no checksum.
        private func fits(_ checksum: UInt32, _ part: Slice<UnsafeRawBufferPointer>) -> Bool {
            checksum == 0 || Checksum.of(UnsafeRawBufferPointer(rebasing: part)) == checksum
        }
    }
}
