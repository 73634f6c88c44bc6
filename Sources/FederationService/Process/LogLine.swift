import Foundation
import Logging
import Text

/// How a log line looks.
public enum LogFormat: String, CaseIterable, Sendable {
    /// For people: `2026-11-28T02:00:00Z info aggregate: message key=value key="several words"`.
    case text
    /// As systemd's journal reads it: a priority in front (sd-daemon(3)) in place of the time and the level, which the
    /// journal keeps itself.
    case journal
    /// One JSON object a line, for machines that collect logs.
    case json

    /// The format that suits standard error: the journal's where it goes there (JOURNAL_STREAM holds its device and
    /// inode), else text.
    public static func fitting(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> LogFormat {
        var file = stat()
        guard let stream = environment["JOURNAL_STREAM"], fstat(STDERR_FILENO, &file) == 0 else { return .text }
        return stream == "\(file.st_dev):\(file.st_ino)" ? .journal : .text
    }
}

/// A message with its fields, as one line in each format.
package struct LogLine {
    package var level: Logger.Level
    package var label: String
    package var message: String
    package var fields: Logger.Metadata
    package var time: Date

    package init(level: Logger.Level, label: String, message: String, fields: Logger.Metadata, time: Date) {
        self.level = level
        self.label = label
        self.message = message
        self.fields = fields
        self.time = time
    }

    package func formatted(as format: LogFormat) -> String {
        switch format {
        case .text: "\(time.formatted(.iso8601)) \(level) \(label): \(words)\n"
        case .journal: "<\(priority)>\(words)\n"
        case .json: json
        }
    }

    /// The message before its fields, on one line: several would be read as several messages.
    private var words: String {
        let fields = fields.sorted { $0.key < $1.key }.map { "\($0.key)=\(Self.value("\($0.value)"))" }
        return visible(([message] + fields).joined(separator: " ").replacing("\n", with: " "))
    }

    /// In quotes if it would not end at the next space.
    private static func value(_ text: String) -> String {
        guard text.isEmpty || text.contains(where: { $0.isWhitespace || $0 == "\"" || $0 == "=" }) else { return text }
        return "\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }

    private var priority: Int {
        switch level {
        case .critical: 2
        case .error: 3
        case .warning: 4
        case .notice: 5
        case .info: 6
        case .debug, .trace: 7
        }
    }

    private struct Object: Encodable {
        var time: String
        var level: String
        var logger: String
        var message: String
        var fields: [String: String]
    }

    /// The fields stand below `fields`, so that none can pass for another key.
    private var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let object = Object(
            time: time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)), level: level.rawValue,
            logger: label, message: message, fields: fields.mapValues { "\($0)" })
        // Text alone always encodes.
        return String(decoding: (try? encoder.encode(object)) ?? Data(), as: UTF8.self) + "\n"
    }
}
