import RunLog
import ZeroMQTransport

/// Flushes that are aggregated beside the loop.
extension AggregatorService {
    /// Takes in what a flush came to, from its thread. One of a service that has ended is dropped: the next start aggregates
    /// the flush again.
    nonisolated func aggregated(_ flush: AggregatedFlush) {
        loop.execute { [weak self] in self?.assumeIsolated { $0.takeIn(flush) } }
    }

    private func takeIn(_ flush: AggregatedFlush) {
        guard !ended else { return }
        attempt {
            try pipeline.aggregated(flush, at: clock.now())
            try advance()
        }
    }
}
