import Synchronization

/// Where an aggregator leaves its figures and log lines for whoever looks on. The newest figures replace the ones before, and
/// the oldest lines make room, so that the aggregator never waits for an onlooker.
public final class RunWatch: Sendable {
    /// One posting of figures.
    public struct Posting: Sendable {
        /// Counts the postings, from 1.
        public var number: UInt64
        public var figures: LiveFigures
        public var instant: ContinuousClock.Instant
    }

    public let lines = RecentLines()
    private let posting = Mutex<Posting?>(nil)

    /// How often figures are posted.
    public static let interval: Duration = .seconds(1)

    public init() {}

    package func post(_ figures: LiveFigures) {
        let instant = ContinuousClock.now
        posting.withLock {
            $0 = Posting(number: ($0?.number ?? 0) + 1, figures: figures, instant: instant)
        }
    }

    /// The newest figures, nil until the run has begun or is recovered.
    public var latest: Posting? { posting.withLock { $0 } }
}
