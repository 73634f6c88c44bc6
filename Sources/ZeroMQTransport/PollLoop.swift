import CZeroMQ
import Glibc
import Synchronization

/// One thread that waits for messages and runs the jobs of actors. An actor that has a loop for its executor owns
/// sockets without locks and handles their messages inline:
///
///     actor Service {
///         nonisolated let loop: PollLoop
///         nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
///         private var port: Port<Pull>?
///
///         func start(_ context: Context) throws {
///             let pull = try Socket<Pull>(context)
///             try pull.bind("tcp://127.0.0.1:*")
///             port = loop.receive(from: pull) { [weak self] batch in
///                 self?.assumeIsolated { $0.handle(batch) }
///             }
///         }
///     }
///
/// In each round the loop runs the jobs and the timers that are due, then hands each socket's messages over, at most
/// one batch a socket, so none of the three starves the others. A loop runs until it is stopped.
public final class PollLoop: SerialExecutor, Sendable {
    private enum Work {
        case job(UnownedJob)
        case closure(@Sendable () -> Void)
        /// All work before it is done, then the loop ends.
        case stop
    }

    private struct Inbox {
        var work: [Work] = []
        var isStopping = false
        var hasEnded = false
        /// Whether a thread is at work on what came after the end.
        var isDraining = false
        var isJoined = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let lock = ThreadLock()
    /// Guarded by the lock.
    private nonisolated(unsafe) var inbox = Inbox()
    private let wakeup: Wakeup
    private let timers = TimerQueue()
    /// Used on the loop's thread only.
    private nonisolated(unsafe) let sockets = LoopSockets()
    /// The thread that runs jobs at present, 0 for none.
    private let current = Atomic<UInt>(0)
    /// Written once, before anybody else sees the loop.
    private nonisolated(unsafe) var thread = pthread_t()

    /// Starts the thread.
    /// - Parameter name: Of the thread, as debuggers show it; at most 15 bytes count.
    /// - Throws: `TransportError` if the process can have no further thread or file.
    public init(name: String = "poll loop") throws(TransportError) {
        wakeup = try Wakeup()
        let failure = Self.startThread(&thread, Unmanaged.passRetained(self)) { loop in
            czeromq_name_thread(name)
            loop.run()
        }
        guard failure == 0 else {
            Unmanaged.passUnretained(self).release()
            throw TransportError(operation: .startLoop, code: failure)
        }
    }

    deinit {
        guard !inbox.isJoined, thread != 0 else { return }
        if pthread_self() == thread { pthread_detach(thread) } else { pthread_join(thread, nil) }
    }

    // MARK: Executor

    /// Runs a job on the loop's thread.
    public func enqueue(_ job: consuming ExecutorJob) {
        add(.job(UnownedJob(job)))
    }

    /// Runs `work` on the loop's thread, after all that was enqueued before.
    public func execute(_ work: @escaping @Sendable () -> Void) {
        add(.closure(work))
    }

    /// Whether the caller runs on the loop's thread.
    public var isCurrent: Bool { current.load(ordering: .relaxed) == UInt(pthread_self()) }

    public func checkIsolated() {
        precondition(isCurrent, "expected to run on the thread of the poll loop")
    }

    public func isIsolatingCurrentContext() -> Bool? { isCurrent }

    private func add(_ work: Work) {
        let (wasEmpty, drains) = lock.withLock {
            let wasEmpty = inbox.work.isEmpty
            inbox.work.append(work)
            let drains = inbox.hasEnded && !inbox.isDraining
            if drains { inbox.isDraining = true }
            return (wasEmpty, drains)
        }
        if drains { startDraining() } else if wasEmpty, !isCurrent { wakeup.signal() }
    }

    // MARK: Sockets

    /// Takes a socket over and hands its messages to `handler`, on the loop's thread, in the order of their arrival.
    /// - Parameters:
    ///   - batch: One call of the handler gets all messages that have arrived, but at most so many,
    ///   - batchBytes: and none further once a batch has so many bytes.
    public func receive<Kind: ReceivingKind>(
        from socket: consuming sending Socket<Kind>, batch: Int = 256, batchBytes: Int = 64 << 20,
        handler: @escaping @Sendable ([Message]) -> Void
    ) -> sending Port<Kind> {
        take(socket, limit: BatchLimit(messages: max(1, batch), bytes: max(1, batchBytes)), handler: handler)
    }

    /// Takes a socket over that only sends.
    public func attach<Kind: SendingKind>(_ socket: consuming sending Socket<Kind>) -> sending Port<Kind> {
        take(socket, limit: BatchLimit(messages: 0, bytes: 0), handler: nil)
    }

    private func take<Kind: SocketKind>(
        _ socket: consuming sending Socket<Kind>, limit: BatchLimit, handler: (@Sendable ([Message]) -> Void)?
    ) -> sending Port<Kind> {
        let handle = socket.handle
        handle.loop = self
        let registration = LoopSocket(handle: handle, limit: limit, handler: handler)
        onLoop { sockets in sockets.add(registration) }
        return Port(socket: socket, loop: self, registration: registration)
    }

    func remove(_ registration: LoopSocket) {
        // A loop that has ended has closed its sockets.
        guard !lock.withLock({ inbox.hasEnded }) else { return }
        onLoop { sockets in sockets.remove(registration) }
    }

    /// Calls `handler` on the loop's thread whenever something can be read from a descriptor.
    public func watch(_ descriptor: CInt, handler: @escaping @Sendable () -> Void) -> LoopDescriptor {
        let watched = LoopDescriptor(descriptor, loop: self, handler: handler)
        onLoop { sockets in sockets.add(watched) }
        return watched
    }

    func unwatch(_ descriptor: LoopDescriptor) {
        guard !lock.withLock({ inbox.hasEnded }) else { return }
        onLoop { sockets in sockets.remove(descriptor) }
    }

    private func onLoop(_ body: @escaping @Sendable (LoopSockets) -> Void) {
        if isCurrent { return body(sockets) }
        execute { [self] in body(sockets) }
    }

    // MARK: Timers

    /// Runs `action` on the loop's thread at `deadline`, at most about a millisecond late if the loop is idle.
    @discardableResult
    public func schedule(
        at deadline: ContinuousClock.Instant, _ action: @escaping @Sendable () -> Void
    ) -> LoopTimer {
        add(LoopTimer(queue: timers, deadline: deadline, interval: nil, action: action))
    }

    /// Runs `action` on the loop's thread after `delay`.
    @discardableResult
    public func schedule(after delay: Duration, _ action: @escaping @Sendable () -> Void) -> LoopTimer {
        schedule(at: .now + delay, action)
    }

    /// Runs `action` on the loop's thread every `interval`, first after one. Beats that a busy loop misses are left out.
    @discardableResult
    public func schedule(every interval: Duration, _ action: @escaping @Sendable () -> Void) -> LoopTimer {
        let interval = max(interval, .milliseconds(1))
        return add(LoopTimer(queue: timers, deadline: .now + interval, interval: interval, action: action))
    }

    private func add(_ timer: LoopTimer) -> LoopTimer {
        if timers.add(timer), !isCurrent { wakeup.signal() }
        return timer
    }

    // MARK: The thread

    private func run() {
        current.store(UInt(pthread_self()), ordering: .relaxed)
        while runWork() {
            let (now, mark) = (ContinuousClock.now, timers.mark)
            while let action = timers.takeDue(now, mark: mark) { action() }
            sockets.poll(wakeup, milliseconds: timeToWait())
        }
        sockets.closeAll()
        timers.removeAll()
        end()
    }

    /// Runs all work that was there at the start. False if it asked to stop.
    private func runWork() -> Bool {
        let work = lock.withLock {
            let work = inbox.work
            inbox.work = []
            return work
        }
        for (index, item) in work.enumerated() {
            switch item {
            case .job(let job): job.runSynchronously(on: asUnownedSerialExecutor())
            case .closure(let closure): closure()
            case .stop:
                lock.withLock { inbox.work.insert(contentsOf: work[(index + 1)...], at: 0) }
                return false
            }
        }
        return true
    }

    /// Milliseconds until there is something to do, as far as is known; −1 for an open end.
    private func timeToWait() -> Int {
        if lock.withLock({ !inbox.work.isEmpty }) { return 0 }
        guard let deadline = timers.nextDeadline else { return -1 }
        return max(0, min((deadline - .now).wholeMilliseconds, Int(Int32.max)))
    }

    private func end() {
        current.store(0, ordering: .relaxed)
        let (waiting, drains) = lock.withLock {
            inbox.hasEnded = true
            inbox.isDraining = !inbox.work.isEmpty
            let waiting = inbox.waiting
            inbox.waiting = []
            return (waiting, inbox.isDraining)
        }
        if drains { startDraining() }
        for continuation in waiting { continuation.resume() }
    }

    // MARK: Stopping

    /// Ends the loop: runs the work that was enqueued before, closes the sockets and joins the thread. Jobs of actors
    /// that come later still run, one at a time, on a thread that lives only for them.
    public func stop() async {
        requestStop()
        await withCheckedContinuation { continuation in
            let hasEnded = lock.withLock {
                if !inbox.hasEnded { inbox.waiting.append(continuation) }
                return inbox.hasEnded
            }
            if hasEnded { continuation.resume() }
        }
        join()
    }

    /// The same for callers that may block. On the loop's own thread it only asks the loop to stop.
    public func stopAndWait() {
        requestStop()
        if !isCurrent { join() }
    }

    private func requestStop() {
        let isFirst = lock.withLock {
            defer { inbox.isStopping = true }
            return !inbox.isStopping
        }
        if isFirst { add(.stop) }
    }

    private func join() {
        let isFirst = lock.withLock {
            defer { inbox.isJoined = true }
            return !inbox.isJoined
        }
        if isFirst { pthread_join(thread, nil) }
    }

    /// Runs what is enqueued after the end: the runtime has no way to take a job back.
    private func startDraining() {
        var helper = pthread_t()
        let failure = Self.startThread(&helper, Unmanaged.passRetained(self)) { $0.drain() }
        guard failure == 0 else {
            Unmanaged.passUnretained(self).release()
            // Without a thread the caller's is the only one left; nothing else runs jobs now.
            return drain()
        }
        pthread_detach(helper)
    }

    private func drain() {
        current.store(UInt(pthread_self()), ordering: .relaxed)
        while true {
            _ = runWork()
            let isDone = lock.withLock {
                guard inbox.work.isEmpty else { return false }
                current.store(0, ordering: .relaxed)
                inbox.isDraining = false
                return true
            }
            if isDone { return }
        }
    }

    private final class Start {
        let loop: Unmanaged<PollLoop>
        let body: (PollLoop) -> Void
        init(loop: Unmanaged<PollLoop>, body: @escaping (PollLoop) -> Void) {
            self.loop = loop
            self.body = body
        }
    }

    /// The new thread holds the loop until `body` returns. Returns an errno.
    private static func startThread(
        _ thread: inout pthread_t, _ loop: Unmanaged<PollLoop>, body: @escaping (PollLoop) -> Void
    ) -> CInt {
        let start = Unmanaged.passRetained(Start(loop: loop, body: body))
        let failure = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                start.body(start.loop.takeRetainedValue())
                return nil
            }, start.toOpaque())
        if failure != 0 { start.release() }
        return failure
    }
}
