import Glibc
import MessageLog

/// A directory that is removed with the value.
final class Scratch: Sendable {
    let directory: String

    /// - Parameter onDisk: Many small syncs take long on a disk, so most tests keep their files in memory.
    init(onDisk: Bool = false) throws {
        let parent = !onDisk && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        var template = Array("\(parent)/message-log-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw POSIXFailure(code: errno) }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for name in entries() { unlink("\(directory)/\(name)") }
        rmdir(directory)
    }

    func path(_ name: String) -> String { "\(directory)/\(name)" }

    private func entries() -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}

struct POSIXFailure: Error {
    var code: Int32
}

func readFile(_ path: String) throws -> [UInt8] {
    guard let file = fopen(path, "r") else { throw POSIXFailure(code: errno) }
    defer { fclose(file) }
    fseek(file, 0, SEEK_END)
    let size = ftell(file)
    rewind(file)
    return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        count = fread(buffer.baseAddress, 1, size, file)
    }
}

func writeFile(_ path: String, _ bytes: [UInt8]) throws {
    guard let file = fopen(path, "w") else { throw POSIXFailure(code: errno) }
    fwrite(bytes, 1, bytes.count, file)
    guard fclose(file) == 0 else { throw POSIXFailure(code: errno) }
}

/// What a test wrote and expects to read again.
struct Entry: Equatable {
    var topic: String
    var logTime: UInt64
    var data: [UInt8]
}

/// All messages of a log and how it ends.
func readLog(_ path: String) throws(LogError) -> (entries: [Entry], end: LogEnd?) {
    var reader = try LogReader(path: path)
    var entries: [Entry] = []
    while let message = try reader.next() {
        entries.append(Entry(topic: message.topic, logTime: message.logTime, data: message.data.bytes))
    }
    return (entries, reader.end)
}

/// Runs a small script of declarations, messages and commits, and remembers where each commit ended.
struct LogScript {
    let writer: LogWriter
    var entries: [Entry] = []
    var commits: [(length: UInt64, count: Int)] = []

    init(_ path: String, mode: LogWriter.Mode = .create) throws {
        try self.init(LogWriter(path: path, mode: mode))
    }

    init(_ writer: LogWriter) throws {
        self.writer = writer
        commits.append((writer.committedLength, 0))
    }

    mutating func append(_ topic: String, _ data: [UInt8], logTime: UInt64) throws {
        let schema = try writer.addSchema(name: "test.\(topic)", encoding: "protobuf", data: [1, 2, 3])
        let channel = try writer.addChannel(topic: topic, schema: schema, metadata: ["b": "2", "a": "1"])
        try writer.append(channel: channel, logTime: logTime, data: data)
        entries.append(Entry(topic: topic, logTime: logTime, data: data))
    }

    mutating func commit() throws {
        try writer.commit()
        commits.append((writer.committedLength, entries.count))
    }

    /// A log of three chunks with two channels.
    static func small(_ path: String, close: Bool) throws -> LogScript {
        var script = try LogScript(path)
        for chunk in 0..<3 {
            for message in 0..<3 {
                let topic = message == 1 ? "events" : "updates"
                let data = [UInt8](repeating: UInt8(chunk * 16 + message), count: 5 + 3 * message)
                try script.append(topic, data, logTime: UInt64(1_000 * chunk + 100 - message))
            }
            try script.commit()
        }
        if close { try script.writer.close() }
        return script
    }
}
