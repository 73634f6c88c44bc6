import Federation
import Foundation

/// The shell's clock: nanoseconds since 1970 that never go back, whatever is done to the machine's time.
struct RunClock {
    private var last: Timestamp

    /// - Parameter since: no time before this one is told.
    init(since: Timestamp = Timestamp(nanoseconds: 0)) { last = since }

    mutating func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        last = max(last, Timestamp(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)))
        return last
    }
}
