/// The head of a chunk record, as far as its sizes agree with each other.
struct ChunkHead {
    /// How the records are stored.
    enum Compression: String {
        case none = ""
        case zstd
    }

    let compression: Compression
    let startTime: UInt64
    let endTime: UInt64
    /// Of the inner records.
    let checksum: UInt32
    /// Of the inner records, in bytes.
    let recordsSize: Int
    /// Where they are stored, from the start of the file.
    let stored: Range<Int>

    /// The most that inner records may take in memory.
    static let mostRecords = 1 << 32

    /// - Returns: nil where the sizes contradict each other, the compression is another, or the file ends within the head.
    init?(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        let content = offset + LogFormat.recordPrefixSize
        guard bytes.count - offset >= LogFormat.chunkHeadSize else { return nil }
        let recordSize = bytes.integer(UInt64.self, at: offset + 1)
        startTime = bytes.integer(UInt64.self, at: content)
        endTime = bytes.integer(UInt64.self, at: content + 8)
        let uncompressedSize = bytes.integer(UInt64.self, at: content + 16)
        checksum = bytes.integer(UInt32.self, at: content + 24)
        let nameSize = Int(bytes.integer(UInt32.self, at: content + 28))
        let name = content + 32
        guard nameSize <= 4, bytes.count - name >= nameSize + 8,
            let compression = Compression(
                rawValue: String(decoding: bytes[name..<name + nameSize], as: UTF8.self))
        else { return nil }
        self.compression = compression
        let storedSize = bytes.integer(UInt64.self, at: name + nameSize)
        let head = UInt64(40 + nameSize)
        guard storedSize < UInt64(Int.max / 2), recordSize == storedSize + head,
            compression == .none ? storedSize == uncompressedSize : uncompressedSize <= UInt64(Self.mostRecords)
        else { return nil }
        recordsSize = Int(uncompressedSize)
        let start = name + nameSize + 8
        stored = start..<start + Int(storedSize)
    }

    /// Whether all of it lies in the file.
    func isWhole(in bytes: UnsafeRawBufferPointer) -> Bool { stored.upperBound <= bytes.count }

    /// The inner records and where they begin in them; nil where they cannot be had, or the checksum does not fit.
    /// - Parameter zeroIsNone: whether a checksum of 0 stands for none, as in files that other programs wrote.
    func records(of map: FileMap, zeroIsNone: Bool = false) -> (holder: FileMap, range: Range<Int>)? {
        let holder: FileMap
        let range: Range<Int>
        switch compression {
        case .none: (holder, range) = (map, stored)
        case .zstd:
            let packed = UnsafeRawBufferPointer(rebasing: map.bytes[stored])
            guard let unpacked = Zstandard.unpack(packed, size: recordsSize) else { return nil }
            (holder, range) = (FileMap(path: map.path, owning: unpacked), 0..<recordsSize)
        }
        let content = UnsafeRawBufferPointer(rebasing: holder.bytes[range])
        return zeroIsNone && checksum == 0 || Checksum.of(content) == checksum ? (holder, range) : nil
    }
}
