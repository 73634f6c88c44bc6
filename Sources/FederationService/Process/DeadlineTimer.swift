import Federation
import ZeroMQTransport

/// The one timer that a core wants: for its next deadline, in place of the last. Used on the loop's thread.
final class DeadlineTimer: @unchecked Sendable {
    private let loop: PollLoop
    private let clock: RunClock
    /// What is armed and for when; nil where nothing is.
    private var armed: (time: Timestamp, timer: LoopTimer)?

    init(on loop: PollLoop, _ clock: RunClock) {
        self.loop = loop
        self.clock = clock
    }

    /// - Parameters:
    ///   - time: by the clock, nil for never. One that is armed already stays: most events move no deadline.
    ///   - action: what to do then, the same at every call.
    func arm(for time: Timestamp?, _ action: @escaping @Sendable () -> Void) {
        if let armed, armed.time == time { return }
        cancel()
        guard let time else { return }
        let timer = loop.schedule(after: max(.zero, time - clock.now())) { [weak self] in
            self?.armed = nil
            action()
        }
        armed = (time, timer)
    }

    func cancel() {
        armed?.timer.cancel()
        armed = nil
    }
}
