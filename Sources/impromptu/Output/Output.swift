import Console
import Foundation
import Synchronization

/// Results on standard output. Where they cannot be written the program ends: with one line and exit code 1, or, where
/// the reader has gone, as a Unix tool does.
enum Output {
    private static let writer = Mutex(ResultWriter())

    static func print(_ text: String, terminator: String = "\n") { attempt { try $0.write(text + terminator) } }

    static func print(_ lines: [String]) { print(lines.joined(separator: "\n")) }

    /// Shows what was printed so far.
    static func flush() { attempt { try $0.flush() } }

    private static func attempt(_ body: (inout sending ResultWriter) throws -> Void) {
        do {
            try writer.withLock { try body(&$0) }
        } catch let error as OutputError where error.isReaderGone {
            signal(SIGPIPE, SIG_DFL)
            raise(SIGPIPE)
        } catch {
            end("impromptu: \(error)\n", code: 1)
        }
    }

    /// Ends the program with some last words on standard error.
    static func end(_ words: String, code: Int32) -> Never {
        if !words.isEmpty { StandardError.write(words) }
        StandardError.flush()
        exit(code)
    }
}
