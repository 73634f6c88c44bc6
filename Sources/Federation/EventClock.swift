import PromptAggregation

/// The time that has passed for a core: the sum of the steps between its events, in nanoseconds.
///
/// A step back of the driver's clock counts as no time at all, and time continues from there, so a clock that is behind
/// freezes nothing.
struct EventClock: Hashable, Sendable {
    /// Of the last event, as its driver said it; nil before the first.
    private(set) var last: Timestamp?
    /// Since the first event.
    private(set) var elapsed: Int64 = 0
    /// The part of it in which the core was listening: a driver that comes later than it was asked to was not.
    private(set) var listened: Int64 = 0

    /// - Parameter deadline: the `elapsed` at which the core wanted to be called; what is beyond was not listened to.
    mutating func pass(to time: Timestamp, deadline: Int64?) {
        let step = max(0, last.map { time.nanoseconds.saturatingSubtract($0.nanoseconds) } ?? 0)
        let awaited = deadline.map { max(0, $0.saturatingSubtract(elapsed)) } ?? step
        last = time
        elapsed = elapsed.saturatingAdd(step)
        listened = listened.saturatingAdd(min(step, awaited))
    }

    /// When, by the driver's clock, `elapsed` reaches a value.
    func time(at elapsed: Int64) -> Timestamp? {
        last.map { Timestamp(nanoseconds: $0.nanoseconds.saturatingAdd(elapsed.saturatingSubtract(self.elapsed))) }
    }

    /// The `elapsed` at which `listened` reaches a value if nothing is missed until then.
    func elapsed(atListened target: Int64) -> Int64 {
        elapsed.saturatingAdd(target.saturatingSubtract(listened))
    }

    var violations: [String] {
        elapsed < 0 || listened < 0 || listened > elapsed
            ? ["clock: expected 0 ≤ listened ≤ elapsed, found \(listened) and \(elapsed)"] : []
    }

    func write(to writer: inout SnapshotWriter) {
        writer.write(last) { $0.write(Int($1.nanoseconds)) }
        writer.write(Int(elapsed))
        writer.write(Int(listened))
    }

    init() {}

    init(from reader: inout SnapshotReader) throws(SnapshotError) {
        last = try reader.optional { reader throws(SnapshotError) in
            Timestamp(nanoseconds: Int64(try reader.integer()))
        }
        elapsed = Int64(try reader.integer("elapsed time", in: 0...Int.max))
        listened = Int64(try reader.integer("listened time", in: 0...Int(elapsed)))
    }
}
