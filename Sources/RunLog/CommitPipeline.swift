import Federation
import PromptAggregation
import PromptWire
import RunSettings

/// Decides what of a run's log is stored when, and when its effects may be carried out. It has no thread and no clock:
/// whoever drives it stores the batches, on a disk's thread or in virtual time, and asks again after every event.
///
/// One batch at a time is on its way to the disk; what is taken in meanwhile waits and is stored as one. A batch's effects
/// come out once, when the batch is stored, so nothing is acknowledged or published before it is safe.
package struct CommitPipeline {
    /// What the driver does next.
    package enum Step {
        /// Nothing until the next event, or until the batch that is on its way is stored.
        case rest
        /// Stores this batch, beside its other work.
        case store(LoggedAggregator.Batch)
        /// Waits for this batch and finishes it before it takes anything in.
        case wait(LoggedAggregator.Batch)
    }

    package private(set) var engine: LoggedAggregator
    /// The batch that is on its way to the disk.
    private var storing: LoggedAggregator.Batch?
    private let waitingBytes: Int

    /// - Parameter waitingBytes: how much may wait while a batch is on its way; then the driver waits for the disk.
    package init(_ engine: LoggedAggregator, waitingBytes: Int = 16 << 20) {
        self.engine = engine
        self.waitingBytes = waitingBytes
    }

    package var aggregator: Aggregator { engine.aggregator }

    // MARK: Events

    /// Begins an epoch.
    /// - Parameter fork: as for `LoggedAggregator.start`.
    /// - Throws: `LogError`.
    package mutating func start(epoch: UInt64, acceptingFork fork: AcceptedFork? = nil, at time: Timestamp) throws {
        try engine.start(epoch: epoch, acceptingFork: fork, at: time)
    }

    /// Keeps how a version does on the validation images.
    /// - Throws: `LogError`.
    package mutating func keep(_ validation: Validation, at time: Timestamp) throws {
        try engine.keep(validation, at: time)
    }

    /// Takes in one message from a client.
    /// - Returns: as `LoggedAggregator.receive`.
    /// - Throws: as `LoggedAggregator.receive`.
    package mutating func receive(
        _ bytes: RawSpan, from party: Party? = nil, at time: Timestamp,
        isAuthentic: (ClientID) -> Bool = { _ in true }
    ) throws -> LoggedAggregator.Answer? {
        try engine.receive(bytes, from: party, at: time, isAuthentic: isAuthentic)
    }

    /// Takes in that the deadline has come. It need not wait for the disk.
    /// - Throws: `LogError`.
    package mutating func tick(at time: Timestamp) throws { try engine.tick(at: time) }

    /// When `tick` is due by the driver's clock, nil for never; it follows from the state after every event.
    package var nextDeadline: Timestamp? { engine.nextDeadline }

    /// Takes in what `Aggregator.flushWork` came to, as `LoggedAggregator.aggregated`.
    /// - Throws: `LogError`.
    package mutating func aggregated(_ flush: AggregatedFlush, at time: Timestamp) throws {
        try engine.aggregated(flush, at: time)
    }

    /// Aggregates the flush under way, if there is one, for a driver that has nothing else to do meanwhile.
    /// - Throws: `LogError`.
    package mutating func aggregate(at time: Timestamp) throws {
        while let work = aggregator.flushWork { try engine.aggregated(AggregatedFlush(work, from: nil), at: time) }
    }

    /// - Throws: `LogError`.
    package mutating func drain(_ request: DrainRequested, at time: Timestamp) throws {
        try engine.drain(request, at: time)
    }

    /// As `LoggedAggregator.change`.
    package mutating func change(
        _ settings: [SettingChanged], of configuration: RunConfiguration, at time: Timestamp
    ) throws -> RunConfiguration {
        try engine.change(settings, of: configuration, at: time)
    }

    // MARK: Commits

    /// - Parameter settling: whether all that was taken in must be stored before anything else is, as for a snapshot.
    /// - Throws: `LogError`.
    package mutating func next(settling: Bool) throws -> Step {
        if let storing {
            let settles = settling || engine.isSegmentFull
            return settles || engine.bufferedBytes >= waitingBytes ? .wait(storing) : .rest
        }
        guard let batch = try engine.seal() else { return .rest }
        storing = batch
        return .store(batch)
    }

    /// Takes in that a batch was stored.
    /// - Returns: what is to be done now, in order; nothing for a batch that is finished already.
    /// - Throws: `LogError`, also where it could not be stored. Then nothing of it may be done.
    package mutating func finish(_ batch: LoggedAggregator.Batch) throws -> [CommittedEffect] {
        guard storing === batch else { return [] }
        storing = nil
        return try engine.finish(batch)
    }

    /// Whether all that was taken in is on the disk and its effects were given out: the moments that a snapshot, the end
    /// of the run and its rest wait for.
    package var isSettled: Bool { storing == nil && engine.bufferedBytes == 0 }

    /// Begins the log's next segment where the present one is full and all is settled.
    /// - Parameter history: what the driver's observers kept of the effects that were given out, which are all.
    /// - Returns: whether it did.
    /// - Throws: `LogError`.
    package mutating func beginSegmentIfDue(_ history: RunHistory) throws -> Bool {
        guard isSettled, engine.isSegmentFull else { return false }
        try engine.beginSegment(history)
        return true
    }

    /// Stores all that was taken in, for a driver that has nothing else to do meanwhile.
    /// - Returns: what is to be done, in order.
    /// - Throws: `LogError`.
    package mutating func commit() throws -> [CommittedEffect] {
        var effects: [CommittedEffect] = []
        while true {
            switch try next(settling: true) {
            case .rest: return effects
            case .store(let batch): batch.store()
            case .wait(let batch): effects += try finish(batch)
            }
        }
    }

    /// Closes the log with its summary, once all is settled: what was not given out before would never be.
    /// - Throws: `LogError`, `UnsettledLog`.
    package mutating func close() throws {
        guard isSettled else { throw UnsettledLog() }
        try engine.close()
    }
}

/// A log was to be closed before all that was taken in was on the disk.
package struct UnsettledLog: Error, CustomStringConvertible {
    package let description = "expected the log to be settled before it is closed, found records that wait for the disk"
}
