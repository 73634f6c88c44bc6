/// How long somebody has not been heard, and when to say so: after a while, sooner where the connection is refused, and
/// again after pauses that grow.
package struct Silence {
    /// What a look at the clock comes to.
    package enum Word: Equatable {
        /// Nothing was heard for so long.
        case silent(Duration)
        /// For the first time, or again after a silence that was reported.
        case heard
    }

    private let patience: Duration
    private var lastHeard: ContinuousClock.Instant
    private var pause: Duration
    private var nextReport: ContinuousClock.Instant
    /// Whether the last that was reported is that all is well.
    package private(set) var isOver = false

    /// How long a refusal is no news: an aggregator that is started again takes a moment.
    package static let refusalPatience: Duration = .seconds(3)
    /// The longest pause between two reports.
    private static let longestPause: Duration = .seconds(600)

    /// - Parameter patience: how long a silence is no news.
    package init(since start: ContinuousClock.Instant, patience: Duration) {
        self.patience = patience
        lastHeard = start
        pause = patience
        nextReport = start + patience
    }

    /// - Parameters:
    ///   - isHeard: whether all is well at the moment.
    ///   - isRefused: whether the other side is there and does not take the connection.
    /// - Returns: what is to be reported now, if anything.
    package mutating func look(at now: ContinuousClock.Instant, isHeard: Bool, isRefused: Bool = false) -> Word? {
        guard !isHeard else {
            lastHeard = now
            pause = patience
            nextReport = now + patience
            defer { isOver = true }
            return isOver ? nil : .heard
        }
        let isFirst = pause == patience
        let due = isRefused && isFirst ? min(nextReport, lastHeard + Self.refusalPatience) : nextReport
        guard now >= due else { return nil }
        isOver = false
        pause = min(pause * 2, Self.longestPause)
        nextReport = now + pause
        return .silent(now - lastHeard)
    }
}
