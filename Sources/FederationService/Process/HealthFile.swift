import Files
import Foundation
import Text

/// A file that a service touches for as long as its loop turns, with a word on what it does: health for whoever watches
/// over a process and has neither systemd nor a port to ask.
public struct HealthFile: Sendable {
    public let path: String

    public init(path: String) { self.path = path }

    package func write(_ status: String) {
        // Where it cannot be written the watcher sees it grow old, which is what it is there for.
        try? AtomicFile.replace(path, with: (status + "\n").utf8)
    }

    package func remove() { unlink(path) }

    /// What the service said last.
    /// - Throws: `StatusError` when the file is missing, or older than `age`.
    public func read(noOlderThan age: Duration) throws -> String {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
            let written = attributes[.modificationDate] as? Date, let bytes = FileManager.default.contents(atPath: path)
        else { throw StatusError("\(path): no service keeps this file: it is not ready, or has stopped") }
        let seconds = max(0, Date().timeIntervalSince(written))
        guard seconds <= age / .seconds(1) else {
            throw StatusError("\(path): the service has not shown itself for \(decimal(seconds, 0)) s")
        }
        return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .newlines)
    }
}
