import PromptAggregation

/// When a version is made, and of what.
///
/// A flush cuts the buffer and aggregates what was cut. A small one does both within an event. The aggregation of one with
/// `flushBesideValues` values or more is left to whoever drives the core, who does it on another thread and hands its
/// outcome in by `.aggregated`; meanwhile updates, signs of life and tasks of the present version continue. Where nobody
/// hands one in, as in a replay, the core aggregates within that event, with the same bits.
extension Aggregator {
    /// The version that the flush under way makes, nil while none is.
    public var flushUnderWay: Version? { cut.isEmpty ? nil : version + 1 }

    /// What there is to aggregate for the flush under way; nil while none is.
    public var flushWork: FlushWork? {
        guard !cut.isEmpty else { return nil }
        return FlushWork(
            strategy: strategy, contributions: contributions.map(\.1), precision: configuration.precision,
            before: published)
    }

    var flushIsDue: Bool {
        guard !buffer.isEmpty, cut.isEmpty else { return false }
        switch configuration.mode {
        case .continuous: return true
        // A buffer or a cohort larger than the federation waits for nobody but those who can still answer.
        case .buffered(let buffered): return buffer.count >= buffered.size || clients.absent == 0
        case .synchronous(let round):
            let answered = clients.answered
            if answered >= round.cohort || (answered > 0 && clients.unanswered == 0) { return true }
            return waits.roundIsOver && answered >= round.quorum
        }
    }

    /// Whether tasks wait for the version under way. A round's next tasks do, and those whose updates would be too stale
    /// then. So do all in the event that cuts: where the aggregation takes no time, as in a simulation, everything is as if
    /// it had been made within that event.
    var waitsForVersion: Bool {
        guard !cut.isEmpty else { return false }
        if configuration.maximumStaleness == 0 { return true }
        if case .synchronous = configuration.mode { return true }
        return wasCutNow
    }

    /// Cuts the buffer, to turn it into the next version. It stays as it is while another flush is under way.
    mutating func flush(at time: Timestamp) {
        guard cut.isEmpty else { return }
        cut = buffer
        buffer = []
        waits.bufferedSince = nil
        if cut.reduce(0, { $0 + $1.update.parameters.byteCount / 4 }) < configuration.flushBesideValues {
            makeVersion(with: nil, at: time)
        } else {
            wasCutNow = true
        }
    }

    /// Ends the flush under way.
    /// - Parameters:
    ///   - made: the version that was aggregated; any but the one under way is passed over.
    ///   - outcome: nil to aggregate here.
    mutating func endFlush(_ made: Version, with outcome: FlushOutcome?, at time: Timestamp) {
        guard made == flushUnderWay else { return }
        makeVersion(with: outcome, at: time)
    }

    /// What was cut, in the order of aggregation.
    private var contributions: [(ClientMessage.Update, Contribution)] {
        cut.map { item in
            let staleness = version - item.update.baseVersion
            return (
                item.update,
                Contribution(
                    client: item.update.client, session: item.update.session, sequence: item.update.task,
                    parameters: item.update.parameters, promptIDs: item.update.promptIDs, base: item.base,
                    sampleCount: item.update.sampleCount, staleness: staleness,
                    stalenessWeight: configuration.stalenessWeight(staleness))
            )
        }.sorted { Contribution.inOrder($0.1, $1.1) }
    }

    private mutating func makeVersion(with outcome: FlushOutcome?, at time: Timestamp) {
        let taken = contributions
        let report = outcome?.report ?? strategy.aggregate(taken.map(\.1))
        if let outcome { strategy = outcome.strategy }
        version += 1
        clients.begin(version: version, buffered: (cut + buffer).map(\.slot))
        cut = []
        for item in buffer { noteBuffered(item) }
        waits.roundSince = nil
        waits.roundIsOver = false
        totals.usedLate += taken.reduce(0) { $0 + ($1.1.staleness > 0 ? 1 : 0) }
        keep(outcome?.made ?? published.next(configuration.precision.rounded(strategy.state)))
        publishCurrent()
        if isEvaluated(version) { orderEvaluation() }
        effects.append(
            .flushed(
                Flush(
                    version: version, time: time,
                    parts: taken.map { update, contribution in
                        Flush.Part(
                            client: update.client, task: update.task, baseVersion: update.baseVersion,
                            staleness: contribution.staleness,
                            stalenessWeight: contribution.stalenessWeight, sampleCount: update.sampleCount,
                            metrics: update.metrics)
                    }, report: report, pool: current.state.promptIDs.count)))
    }

    /// Notes on an update's client that it waits for a version.
    mutating func noteBuffered(_ item: BufferedUpdate) {
        clients.change(item.slot) { $0.bufferedBase = max($0.bufferedBase ?? -1, item.update.baseVersion) }
    }

    /// Takes a version into the history.
    private mutating func keep(_ made: PublishedVersion) {
        unchangedSince = made.unchangedSince
        history.append(made.prompts)
        if history.count > configuration.maximumStaleness + 1 { history.removeFirst() }
        ledger.forget(before: history[0].version)
    }
}

/// The aggregation of one flush, for another thread: a pure function of what it holds.
public struct FlushWork: Sendable {
    let strategy: any AggregationStrategy
    /// In the order of aggregation.
    package var contributions: [Contribution]
    let precision: Precision
    /// The version before the one that it makes.
    let before: PublishedVersion

    /// The version that it makes.
    public var version: Version { before.prompts.version + 1 }

    /// Aggregates. It may take seconds.
    public func perform() -> FlushOutcome {
        var strategy = strategy
        let report = strategy.aggregate(contributions)
        return FlushOutcome(
            strategy: strategy, made: before.next(precision.rounded(strategy.state)), precision: precision,
            report: report)
    }
}

/// What a flush comes to.
public struct FlushOutcome: Sendable {
    let strategy: any AggregationStrategy
    let made: PublishedVersion
    let precision: Precision
    let report: FlushReport

    public var version: Version { published.version }

    /// What is published, whole.
    public var published: AggregatorMessage.GlobalPrompts { made.prompts }

    /// What is published to all: what changed against the version before.
    public var message: AggregatorMessage.Prompts { made.message(since: version - 1, precision) }
}
