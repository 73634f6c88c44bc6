import Dispatch
import Glibc
import Synchronization

/// The program's one way to standard error. It never blocks its caller and never traps: lines wait in a bounded queue for
/// a thread of their own, and what cannot be written is dropped, counted, and reported once writing works again.
public enum StandardError {
    private static let sink = LineSink(descriptor: STDERR_FILENO)

    /// Writes some text, with its line's end.
    public static func write(_ text: String) { sink.write(text) }

    /// Waits until all is written or dropped, at most for some time. For the end of the program.
    public static func flush(within patience: Duration = .milliseconds(500)) { sink.flush(within: patience) }
}

/// Writes texts to a descriptor, in order, without its callers waiting for whoever reads there.
package final class LineSink: Sendable {
    private struct State {
        var waiting: [String] = []
        /// Of the texts that wait, with the one that is being written.
        var bytes = 0
        var dropped = 0
        var isWriting = false
    }

    /// Bytes that may wait; a reader that stopped costs no more memory.
    private static let mostBytes = 1 << 20
    /// A pipe that poll(2) calls writable takes so many bytes without blocking (PIPE_BUF).
    private static let piece = 4096

    private let descriptor: Int32
    private let queue = DispatchQueue(label: "standard error")
    private let state = Mutex(State())

    package init(descriptor: Int32) { self.descriptor = descriptor }

    /// Texts that were dropped since the last that was written.
    package var dropped: Int { state.withLock { $0.dropped } }

    package func write(_ text: String) {
        let begins = state.withLock { state -> Bool in
            let size = text.utf8.count
            guard state.bytes + size <= Self.mostBytes else {
                state.dropped += 1
                return false
            }
            state.waiting.append(text)
            state.bytes += size
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if begins { queue.async { self.writeWaiting() } }
    }

    package func flush(within patience: Duration) {
        let deadline = ContinuousClock.now + patience
        while state.withLock({ $0.isWriting }), ContinuousClock.now < deadline { usleep(1000) }
    }

    private func writeWaiting() {
        while let text = next() {
            let missing = dropped
            let notice = missing == 0 ? "" : "impromptu: \(missing) lines could not be written here and were dropped\n"
            let isWritten = writeAll(notice + text)
            state.withLock { state in
                state.bytes -= text.utf8.count
                if isWritten { state.dropped -= missing } else { state.dropped += 1 }
            }
        }
    }

    /// The oldest text that waits; with nil the writing ends.
    private func next() -> String? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isWriting = false
                return nil
            }
            return state.waiting.removeFirst()
        }
    }

    /// - Returns: false where the system refuses some of it.
    private func writeAll(_ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            // The descriptor may be shared with other processes, so it stays as it is instead of being made non-blocking.
            var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            guard poll(&request, 1, -1) >= 0 || errno == EINTR else { return false }
            let count = rest.prefix(Self.piece).withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count >= 0 else { return false }
            rest.removeFirst(count)
        }
        return true
    }
}
