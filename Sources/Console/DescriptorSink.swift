import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// Writes texts to a descriptor from a thread of its own; see `StandardError`.
package final class DescriptorSink: @unchecked Sendable {
    /// Bytes that wait at most.
    private static let capacity = 1 << 20
    /// Bytes of one write: a pipe that is ready takes as many without blocking (pipe(7)).
    private static let chunk = 4096

    private let descriptor: Int32
    // Guards everything below.
    private let changed = NSCondition()
    private var queue: [String] = []
    private var queuedBytes = 0
    private var isWriting = false
    private var isStarted = false
    private var dropped = 0
    private var lossWords: @Sendable (Int) -> String = { "impromptu: \($0) lines were lost: nobody could take them\n" }

    package init(descriptor: Int32) { self.descriptor = descriptor }

    package func write(_ text: String) {
        let size = text.utf8.count
        changed.withLock {
            guard queuedBytes + size <= Self.capacity else {
                dropped += 1
                return
            }
            queue.append(text)
            queuedBytes += size
            if !isStarted { start() }
            changed.broadcast()
        }
    }

    package func reportLoss(as words: @escaping @Sendable (Int) -> String) {
        changed.withLock { lossWords = words }
    }

    /// How many texts were dropped and not yet reported.
    package var unreported: Int { changed.withLock { dropped } }

    package func flush(within bound: Duration) {
        let deadline = Date(timeIntervalSinceNow: bound / .seconds(1))
        changed.withLock {
            while !queue.isEmpty || isWriting, changed.wait(until: deadline) {}
        }
    }

    private func start() {
        isStarted = true
        let thread = Thread { [self] in run() }
        thread.name = "standard error"
        thread.start()
    }

    private func run() -> Never {
        // A reader that goes makes a write fail, and no more, in a program that does not ignore SIGPIPE too.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        while true {
            let (batch, loss) = next()
            deliver(batch, after: loss)
        }
    }

    /// All that waits, and what was lost before it: a number, with its words.
    private func next() -> ([String], (count: Int, words: String)?) {
        changed.withLock {
            isWriting = false
            changed.broadcast()
            while queue.isEmpty { changed.wait() }
            isWriting = true
            defer {
                queue.removeAll(keepingCapacity: true)
                queuedBytes = 0
            }
            return (queue, dropped > 0 ? (dropped, lossWords(dropped)) : nil)
        }
    }

    private func deliver(_ batch: [String], after loss: (count: Int, words: String)?) {
        if let loss {
            guard put(loss.words) else { return changed.withLock { dropped += batch.count } }
            changed.withLock { dropped -= loss.count }
        }
        for (index, text) in batch.enumerated() where !put(text) {
            // The rest is tried again only with the next batch, behind the report of the loss.
            return changed.withLock { dropped += batch.count - index }
        }
    }

    /// Whether the whole text was written.
    private func put(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                guard poll(&ready, 1, -1) >= 0 || errno == EINTR else { return false }
                let written = Glibc.write(descriptor, rest.baseAddress, min(rest.count, Self.chunk))
                if written > 0 {
                    rest = UnsafeRawBufferPointer(rebasing: rest[written...])
                } else if written == 0 || (errno != EINTR && errno != EAGAIN) {
                    return false
                }
            }
            return true
        }
    }
}
