import Dispatch
import Federation
import PromptAggregation
import PromptWire
import RunLog

/// Aggregates flushes beside the loop, one after another. Its owner calls it from one thread.
final class FlushThread {
    private let queue = DispatchQueue(label: "flush", qos: .userInitiated)
    /// The newest version that it was given.
    private var version: Version?

    /// Begins with the flush that is under way, unless it has.
    /// - Parameters:
    ///   - origin: of what the aggregator publishes.
    ///   - done: gets what it comes to, on another thread.
    func take(_ aggregator: Aggregator, from origin: Origin, done: @escaping @Sendable (AggregatedFlush) -> Void) {
        guard let next = aggregator.flushUnderWay, next != version, let work = aggregator.flushWork else { return }
        version = next
        queue.async { done(AggregatedFlush(work, from: origin)) }
    }
}
