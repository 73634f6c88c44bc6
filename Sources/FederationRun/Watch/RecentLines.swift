import Foundation
import Logging
import Synchronization

/// The last lines of a log, kept in memory.
public final class RecentLines: Sendable {
    public struct Line: Encodable, Hashable, Sendable {
        /// Since 1970.
        public var milliseconds: Int64
        public var level: String
        public var text: String

        package init(milliseconds: Int64, level: String, text: String) {
            self.milliseconds = milliseconds
            self.level = level
            self.text = text
        }
    }

    /// How many lines are kept, and how much of each.
    public static let most = 100
    public static let longest = 500

    private let lines = Mutex<[Line]>([])

    public init() {}

    public var all: [Line] { lines.withLock { $0 } }

    package func add(_ line: Line) {
        lines.withLock {
            if $0.count == Self.most { $0.removeFirst() }
            $0.append(line)
        }
    }

    /// A handler that keeps each line here.
    public func handler() -> some LogHandler { Handler(lines: self) }

    private struct Handler: LogHandler {
        let lines: RecentLines
        var metadata: Logger.Metadata = [:]
        var metadataProvider: Logger.MetadataProvider?
        var logLevel: Logger.Level = .info

        init(lines: RecentLines) { self.lines = lines }

        func log(event: LogEvent) {
            let words = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
            let text = (["\(event.message)"] + words.map { "\($0.key)=\($0.value)" }).joined(separator: " ")
            lines.add(
                Line(
                    milliseconds: Int64(Date().timeIntervalSince1970 * 1000), level: "\(event.level)",
                    text: String(text.prefix(RecentLines.longest))))
        }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
    }
}
