/// A point in time as the shell saw it, in nanoseconds since 1970.
///
/// The core has no clock; whoever drives it says what time it is, by a steady clock.
public struct Timestamp: Hashable, Comparable, Sendable {
    public var nanoseconds: Int64
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    public static func < (a: Timestamp, b: Timestamp) -> Bool { a.nanoseconds < b.nanoseconds }
    /// The time from `b` to `a`, negative where `b` is later; the longest there is where it would overflow.
    public static func - (a: Timestamp, b: Timestamp) -> Duration {
        .nanoseconds(a.nanoseconds.saturatingSubtract(b.nanoseconds))
    }
    /// A time later by `b`; the last there is where it would overflow.
    public static func + (a: Timestamp, b: Duration) -> Timestamp {
        Timestamp(nanoseconds: a.nanoseconds.saturatingAdd(b.wholeNanoseconds))
    }
}

extension Duration {
    /// Rounded towards zero, and the nearest `Int64` where it is beyond them.
    var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        return whole.saturatingAdd(attoseconds / 1_000_000_000)
    }
}

extension Int64 {
    func saturatingAdd(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }

    func saturatingSubtract(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other > 0 ? .min : .max) : difference
    }
}
