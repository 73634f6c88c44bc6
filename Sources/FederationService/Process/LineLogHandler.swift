import Console
import Foundation
import Logging

/// Writes each message as one line of standard error.
public struct LineLogHandler: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var metadataProvider: Logger.MetadataProvider?
    public var logLevel: Logger.Level = .info
    private let label: String
    private let format: LogFormat

    /// Lines that are dropped are reported in this format too.
    public init(label: String, format: LogFormat) {
        self.label = label
        self.format = format
        StandardError.reportLoss { dropped in
            LogLine(
                level: .warning, label: label, message: "log lines were lost: standard error could not take them",
                fields: ["lines": "\(dropped)"], time: Date()
            ).formatted(as: format)
        }
    }

    public func log(event: LogEvent) {
        let line = LogLine(
            level: event.level, label: label, message: "\(event.message)",
            fields: metadata.merging(event.metadata ?? [:]) { $1 }, time: Date())
        StandardError.write(line.formatted(as: format))
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }
}
