import Dispatch
import ZeroMQTransport

/// Notices that the outboxes of a worker's clients are no longer those that it locked: removed or replaced by somebody else.
/// What is kept then is lost with the process, and another worker may speak for the same clients. Used on the loop's thread.
final class OutboxWatch: @unchecked Sendable {
    private static let interval: Duration = .seconds(2)

    private let outboxes: [OutboxFolder]
    private let thread: DispatchQueue
    private let loop: PollLoop
    private var timer: LoopTimer?
    /// Whether the disk has not answered yet.
    private var isLooking = false

    /// - Parameter thread: waits for the disk.
    init(_ outboxes: [OutboxFolder], thread: DispatchQueue, loop: PollLoop) {
        self.outboxes = outboxes
        self.thread = thread
        self.loop = loop
    }

    /// - Parameter lost: called on the loop.
    func begin(_ lost: @escaping @Sendable (OutboxError) -> Void) {
        guard !outboxes.isEmpty else { return }
        timer = loop.schedule(every: Self.interval) { [weak self] in self?.look(lost) }
    }

    func end() { timer?.cancel() }

    private func look(_ lost: @escaping @Sendable (OutboxError) -> Void) {
        guard !isLooking else { return }
        isLooking = true
        thread.async { [outboxes, loop, weak self] in
            let problem = outboxes.lazy.compactMap(\.problem).first
            loop.execute { [weak self] in
                self?.isLooking = false
                if let problem { lost(problem) }
            }
        }
    }
}
