import CZlib
import FaultSimulation
import MessageLog

/// The first byte chooses: the rest is a file, or damages a good one, or fills a chunk whose head and checksum fit.
func tryLog(_ bytes: UnsafeRawBufferPointer) {
    var source = ByteSource(bytes)
    switch source.byte() % 4 {
    case 0: _ = tryReading(source.remainder())
    case 1: tryDamage(&source)
    case 2: _ = tryReading(writtenLog([]).content + chunk(source.remainder()))
    default: _ = tryReading(writtenLog([[1, 2, 3]]).content + chunk(source.remainder()) + chunk([]))
    }
}

/// Reads a file to its end; where that works, another writer must be able to continue it, unless
/// the file is of another program's making.
/// - Returns: the messages, nil for a file that is refused.
private func tryReading(_ content: [UInt8]) -> [[UInt8]]? {
    guard let before = messages(of: content) else { return nil }
    let file = MemoryFile(content)
    do {
        let writer = try LogWriter(file)
        let schema = try writer.addSchema(name: "fuzz", encoding: "none", data: [])
        // A channel of that name may be there with other properties.
        if let channel = try? writer.addChannel(topic: "fuzz", schema: schema) {
            try writer.append(channel: channel, logTime: 1, data: [42])
            try writer.close()
            guard let after = messages(of: file.content), after == before + [[42]] else {
                violated("a continued log does not hold what it held and what was added")
            }
        }
    } catch LogError.rewritten {
        // What another program made of a log can be read only.
    } catch { violated("a log that reads cannot be continued: \(error)") }
    return before
}

private func messages(of content: [UInt8]) -> [[UInt8]]? {
    do throws(LogError) {
        var reader = try LogReader(FileMap(path: "fuzz", copying: content))
        var messages: [[UInt8]] = []
        while let message = try reader.next() { messages.append(message.data.bytes) }
        if reader.end == nil { violated("a log without an end") }
        return messages
    } catch {
        if "\(error)".isEmpty { violated("damage without a name") }
        return nil
    }
}

/// Writes a log, then changes a byte of it, cuts it or makes it longer: what then reads must be its first messages.
private func tryDamage(_ source: inout ByteSource) {
    var records: [[UInt8]] = []
    for _ in 0..<source.byte() % 8 { records.append(source.bytes(Int(source.byte()))) }
    let isClosed = source.byte() & 1 == 1
    var content = writtenLog(records, isClosed: isClosed).content
    let (place, change) = (Int(source.integer(3)) % content.count, source.byte())
    switch source.byte() % 3 {
    case 0: content[place] ^= change
    case 1: content.removeSubrange(place...)
    default: content += source.remainder()
    }
    guard let found = tryReading(content) else { return }
    // What follows a log that was not closed may be a chunk of the fuzzer's own making.
    if found.count <= records.count, found != Array(records.prefix(found.count)) {
        violated("damage changed what a log holds")
    }
}

func writtenLog(_ records: [[UInt8]], isClosed: Bool = false) -> MemoryFile {
    let file = MemoryFile()
    do {
        let writer = try LogWriter(file)
        let channel = try writer.addChannel(topic: "fuzz", schema: .none)
        for (number, record) in records.enumerated() {
            try writer.append(channel: channel, logTime: UInt64(number), data: record)
            if number % 2 == 0 { try writer.commit() }
        }
        if isClosed { try writer.close() } else { try writer.commit() }
    } catch { violated("a log cannot be written: \(error)") }
    return file
}

/// A chunk with those inner records, behind 16 bytes for its times.
private func chunk(_ bytes: [UInt8]) -> [UInt8] {
    let records = Array(bytes.dropFirst(16))
    let times = Array(bytes.prefix(16)) + [UInt8](repeating: 0, count: max(0, 16 - bytes.count))
    let checksum = UInt64(crc32_z(0, records, records.count))
    return joined(
        [6], little(UInt64(records.count + 40), 8), times, little(UInt64(records.count), 8), little(checksum, 4),
        little(0, 4), little(UInt64(records.count), 8), records)
}

func joined(_ parts: [UInt8]...) -> [UInt8] { parts.flatMap { $0 } }

/// A number in so many bytes, the least significant first.
func little(_ value: UInt64, _ size: Int) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
}

/// A log's file in memory.
final class MemoryFile: LogStorage {
    let path = "fuzz"
    let isNew: Bool
    private(set) var content: [UInt8]

    init() {
        isNew = true
        content = []
    }

    /// A file that is there.
    init(_ content: [UInt8]) {
        isNew = false
        self.content = content
    }

    func write(_ bytes: RawSpan, at offset: UInt64) throws(LogError) {
        let end = Int(offset) + bytes.byteCount
        if content.count < end { content += [UInt8](repeating: 0, count: end - content.count) }
        bytes.withUnsafeBytes { content.replaceSubrange(Int(offset)..<end, with: $0) }
    }

    func synchronize() throws(LogError) {}
    func synchronizeParent() throws(LogError) {}
    func truncate(to length: UInt64) throws(LogError) { content.removeSubrange(Int(length)...) }
    func unlock() {}
    func map() throws(LogError) -> FileMap { FileMap(path: path, copying: content) }
}
