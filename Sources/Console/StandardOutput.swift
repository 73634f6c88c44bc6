import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// Results on standard output could not be written.
public struct OutputError: Error, CustomStringConvertible {
    public let description: String
}

/// The one way to standard output: buffered, and every write is checked.
public enum StandardOutput {
    private static let most = 1 << 16
    private static let isTerminal = isatty(STDOUT_FILENO) == 1
    private static let buffer = Mutex<[UInt8]>([])

    /// Writes a text, by itself a line.
    /// - Throws: `OutputError`. Where the reader has gone, the process ends of SIGPIPE as other tools do.
    public static func write(_ text: String, terminator: String = "\n") throws {
        try buffer.withLock { bytes in
            bytes.append(contentsOf: text.utf8)
            bytes.append(contentsOf: terminator.utf8)
            if isTerminal || bytes.count >= most { try empty(&bytes) }
        }
    }

    /// Writes what is buffered.
    /// - Throws: as `write` does.
    public static func flush() throws { try buffer.withLock { try empty(&$0) } }

    private static func empty(_ bytes: inout [UInt8]) throws {
        // What failed once is not tried again at the exit.
        defer { bytes.removeAll(keepingCapacity: true) }
        var start = 0
        while start < bytes.count {
            let written = bytes[start...].withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if written > 0 {
                start += written
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                var ready = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
                _ = poll(&ready, 1, -1)
            case EPIPE:
                signal(SIGPIPE, SIG_DFL)
                raise(SIGPIPE)
            default: throw OutputError(description: "cannot write the results: \(String(cString: strerror(errno)))")
            }
        }
    }
}
