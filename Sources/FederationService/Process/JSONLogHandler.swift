import Foundation
import Logging

/// Writes each message as one JSON object on a line of standard error, for machines that collect logs.
public struct JSONLogHandler: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var metadataProvider: Logger.MetadataProvider?
    public var logLevel: Logger.Level = .info
    private let label: String

    public init(label: String) { self.label = label }

    private struct Line: Encodable {
        var time: String
        var level: String
        var logger: String
        var message: String
        var fields: [String: String]
    }

    public func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }
        let line = Self.line(event.level, "\(event.message)", fields, label: label, at: Date())
        FileHandle.standardError.write(Data(line.utf8))
    }

    /// One line; the fields stand below `fields`, so that none can pass for another key.
    package static func line(
        _ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata, label: String, at time: Date
    ) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let line = Line(
            time: time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)), level: level.rawValue,
            logger: label,
            message: message, fields: metadata.mapValues { "\($0)" })
        // Text alone always encodes.
        return String(decoding: (try? encoder.encode(line)) ?? Data(), as: UTF8.self) + "\n"
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }
}
