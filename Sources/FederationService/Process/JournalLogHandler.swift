import Foundation
import Logging

/// Writes lines to standard error as systemd's journal reads them: a priority in front (sd-daemon(3)) in place of the
/// time and the level, which the journal keeps itself.
public struct JournalLogHandler: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var metadataProvider: Logger.MetadataProvider?
    public var logLevel: Logger.Level = .info

    public init() {}

    /// Whether standard error goes to the journal (JOURNAL_STREAM holds its device and inode).
    public static func isWanted(environment: [String: String] = ProcessInfo.processInfo.environment) -> Bool {
        var file = stat()
        guard let stream = environment["JOURNAL_STREAM"], fstat(STDERR_FILENO, &file) == 0 else { return false }
        return stream == "\(file.st_dev):\(file.st_ino)"
    }

    public func log(event: LogEvent) {
        let line = Self.line(event.level, "\(event.message)", metadata.merging(event.metadata ?? [:]) { $1 })
        FileHandle.standardError.write(Data(line.utf8))
    }

    /// One line: what has several is read as several entries otherwise.
    package static func line(_ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata) -> String {
        let words = metadata.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let text = ([message] + words).joined(separator: " ").replacing("\n", with: " ")
        return "<\(priority(level))>\(text)\n"
    }

    private static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .critical: 2
        case .error: 3
        case .warning: 4
        case .notice: 5
        case .info: 6
        case .debug, .trace: 7
        }
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }
}
