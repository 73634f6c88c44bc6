import Federation
import Foundation

/// The shell's clock: nanoseconds since 1970 by the machine's time at the start of the process, and by its steady clock from
/// there, so that no step of the machine's time is seen.
struct RunClock {
    private let start: Timestamp
    private let steadyStart: Int64

    /// - Parameter since: no earlier time is returned.
    init(since: Timestamp = Timestamp(nanoseconds: 0)) {
        start = max(since, Timestamp(nanoseconds: Self.read(CLOCK_REALTIME)))
        steadyStart = Self.read(CLOCK_MONOTONIC)
    }

    func now() -> Timestamp { start + .nanoseconds(Self.read(CLOCK_MONOTONIC) - steadyStart) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
