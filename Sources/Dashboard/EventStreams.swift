import Synchronization

/// The open streams of server-sent events. Each holds one event that waits to be written: a client that does not keep up
/// misses the older ones.
package final class EventStreams: Sendable {
    private struct State {
        var next = 0
        var open: [Int: AsyncStream<[UInt8]>.Continuation] = [:]
    }

    private let state = Mutex(State())
    private let most: Int

    /// - Parameter most: how many may be open at the same time.
    package init(most: Int) { self.most = most }

    package var count: Int { state.withLock { $0.open.count } }

    /// Opens a stream that begins with an event; nil when there are too many.
    package func open(first: [UInt8]) -> AsyncStream<[UInt8]>? {
        let (stream, continuation) = AsyncStream<[UInt8]>.makeStream(bufferingPolicy: .bufferingNewest(1))
        continuation.yield(first)
        let number: Int? = state.withLock { state in
            guard state.open.count < most else { return nil }
            state.next += 1
            state.open[state.next] = continuation
            return state.next
        }
        guard let number else { return nil }
        continuation.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.open.removeValue(forKey: number) }
        }
        return stream
    }

    package func send(_ event: [UInt8]) {
        for continuation in state.withLock({ Array($0.open.values) }) { continuation.yield(event) }
    }

    /// A comment: says nothing, and finds out who is gone.
    static let pulse = Array(":\n\n".utf8)

    /// An event's bytes (HTML, 9.2.5): every line of the data behind a `data:`. Clients come again after two seconds.
    package static func event(id: UInt64, data: String) -> [UInt8] {
        let lines = data.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r" || $0 == "\r\n" }
        return Array(
            ("id: \(id)\nretry: 2000\n" + lines.map { "data: \($0)\n" }.joined() + "\n").utf8)
    }
}
