import Glibc

/// Why results could not be written to standard output.
public struct OutputError: Error, CustomStringConvertible, Equatable {
    public let code: Int32
    /// Whether whoever read the results has gone.
    public var isReaderGone: Bool { code == EPIPE }
    public var description: String { "standard output: cannot write: \(String(cString: strerror(code)))" }
}

/// Results on their way to a descriptor: buffered, and each failed write is an error.
public struct ResultWriter: Sendable {
    private let descriptor: Int32
    private let isTerminal: Bool
    private var buffer: [UInt8] = []

    private static let mostBytes = 1 << 16

    public init(descriptor: Int32 = STDOUT_FILENO) {
        self.descriptor = descriptor
        isTerminal = isatty(descriptor) == 1
    }

    /// On a terminal each text is shown at once.
    public mutating func write(_ text: String) throws(OutputError) {
        buffer += Array(text.utf8)
        if isTerminal || buffer.count >= Self.mostBytes { try flush() }
    }

    public mutating func flush() throws(OutputError) {
        var rest = buffer[...]
        buffer = []
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest.removeFirst(count)
            } else if errno == EAGAIN {
                var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&request, 1, -1)
            } else if errno != EINTR {
                throw OutputError(code: errno)
            }
        }
    }
}
