import Console
import Foundation
import Logging

/// Writes each message as a line on standard error.
public struct LineLogHandler: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var metadataProvider: Logger.MetadataProvider?
    public var logLevel: Logger.Level = .info
    private let label: String
    private let format: LogFormat

    public init(label: String, format: LogFormat) {
        self.label = label
        self.format = format
    }

    public func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }
        StandardError.write(format.line(event.level, "\(event.message)", fields, label: label, at: Date()))
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }
}

/// What a line of a log looks like.
public enum LogFormat: Sendable {
    /// For people: time, level and logger, the message, then the fields.
    case text
    /// One JSON object, for machines that collect logs.
    case json
    /// A priority in front (sd-daemon(3)) in place of the time and the level, which systemd's journal keeps itself.
    case journal

    /// The journal's where standard error goes to it (JOURNAL_STREAM holds its device and inode), else text.
    public static func automatic(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> LogFormat {
        var file = stat()
        guard let stream = environment["JOURNAL_STREAM"], fstat(STDERR_FILENO, &file) == 0 else { return .text }
        return stream == "\(file.st_dev):\(file.st_ino)" ? .journal : .text
    }

    /// One line with its end. A message or field of several lines becomes one, which collectors would read as several.
    package func line(
        _ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata, label: String, at time: Date
    ) -> String {
        switch self {
        case .text: "\(Self.timestamp(time)) \(level.rawValue) \(label): \(Self.words(message, metadata))\n"
        case .journal: "<\(Self.priority(level))>\(Self.words(message, metadata))\n"
        case .json: Self.object(level, message, metadata, label: label, at: time)
        }
    }

    private static func timestamp(_ time: Date) -> String {
        time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    private static func words(_ message: String, _ metadata: Logger.Metadata) -> String {
        let fields = metadata.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return ([message] + fields).joined(separator: " ").replacing("\n", with: " ")
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

    private struct Line: Encodable {
        var time: String
        var level: String
        var logger: String
        var message: String
        var fields: [String: String]
    }

    /// The fields stand below `fields`, so that none can pass for another key.
    private static func object(
        _ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata, label: String, at time: Date
    ) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let line = Line(
            time: timestamp(time), level: level.rawValue, logger: label, message: message,
            fields: metadata.mapValues { "\($0)" })
        // Text alone always encodes.
        return String(decoding: (try? encoder.encode(line)) ?? Data(), as: UTF8.self) + "\n"
    }
}
