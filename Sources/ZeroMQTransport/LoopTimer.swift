/// An action that a poll loop runs at a given time.
public final class LoopTimer: Sendable {
    private let queue: TimerQueue
    /// Everything below is guarded by the queue's lock.
    nonisolated(unsafe) var deadline: ContinuousClock.Instant
    let interval: Duration?
    nonisolated(unsafe) var action: (@Sendable () -> Void)?
    /// Orders timers of the same deadline by their creation.
    nonisolated(unsafe) var order: UInt64 = 0

    init(
        queue: TimerQueue, deadline: ContinuousClock.Instant, interval: Duration?,
        action: @escaping @Sendable () -> Void
    ) {
        self.queue = queue
        self.deadline = deadline
        self.interval = interval
        self.action = action
    }

    /// The action will not start any more. On the loop's thread this holds as soon as the call returns.
    public func cancel() {
        queue.cancel(self)
    }

    func isBefore(_ other: LoopTimer) -> Bool {
        deadline != other.deadline ? deadline < other.deadline : order < other.order
    }
}

/// The timers of one loop, the next one first (a binary heap).
final class TimerQueue: @unchecked Sendable {
    private let lock = ThreadLock()
    private var heap: [LoopTimer] = []
    private var created: UInt64 = 0
    private var cancelled = 0

    /// Adds a timer. True if it is now the next one.
    func add(_ timer: LoopTimer) -> Bool {
        lock.withLock {
            created += 1
            timer.order = created
            insert(timer)
            return heap[0] === timer
        }
    }

    func cancel(_ timer: LoopTimer) {
        // The action may own things whose end comes back here, so it is let go outside the lock.
        let action = lock.withLock {
            let action = timer.action
            timer.action = nil
            if action != nil { cancelled += 1 }
            if cancelled > 64, cancelled > heap.count / 2 { removeCancelled() }
            return action
        }
        withExtendedLifetime(action) {}
    }

    /// When the next timer is due.
    var nextDeadline: ContinuousClock.Instant? {
        lock.withLock {
            dropCancelledHead()
            return heap.first?.deadline
        }
    }

    /// Marks the timers that exist now, so that one round of the loop leaves out those that its own actions add.
    var mark: UInt64 { lock.withLock { created } }

    /// Takes the action of the next timer that is due at `now` and was there at `mark`. A repeating timer goes back
    /// into the queue.
    func takeDue(_ now: ContinuousClock.Instant, mark: UInt64) -> (@Sendable () -> Void)? {
        lock.withLock {
            dropCancelledHead()
            guard let timer = heap.first, timer.deadline <= now, timer.order <= mark, let action = timer.action else {
                return nil
            }
            removeHead()
            if let interval = timer.interval {
                // Beats that were missed are left out.
                while timer.deadline <= now { timer.deadline += interval }
                insert(timer)
            } else {
                timer.action = nil
            }
            return action
        }
    }

    func removeAll() {
        let timers = lock.withLock {
            let timers = heap
            heap = []
            cancelled = 0
            return timers
        }
        for timer in timers { timer.cancel() }
    }

    private func insert(_ timer: LoopTimer) {
        heap.append(timer)
        var child = heap.count - 1
        while child > 0, heap[child].isBefore(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private func removeHead() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child].isBefore(heap[least]) { least = child }
            }
            if least == parent { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }

    private func dropCancelledHead() {
        while let timer = heap.first, timer.action == nil {
            removeHead()
            cancelled -= 1
        }
    }

    private func removeCancelled() {
        let kept = heap.filter { $0.action != nil }
        heap = []
        cancelled = 0
        for timer in kept { insert(timer) }
    }
}
