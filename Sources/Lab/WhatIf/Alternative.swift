import Federation
import PromptAggregation

/// One other way to aggregate the updates of a recorded run, fed while its log goes by.
///
/// An update enters as it was sent, with the state that it really started from as its base: strategies that average take
/// its displacement from that base, strategies that match or mix take its values. Its staleness counts the versions that
/// this aggregation made since the recorded run published that base.
struct Alternative {
    /// When the buffer becomes a version.
    enum Flushing: Hashable {
        /// Whenever the recorded run made one.
        case asRecorded
        /// After so many updates, and at the end of the run with what is left.
        case every(Int)
    }

    private struct Arrival {
        let update: ClientMessage.Update
        let base: PromptState
        /// This aggregation's version when the recorded run published the base.
        let baseVersion: Version
    }

    let name: String
    private var strategy: any AggregationStrategy
    private let stalenessWeight: StalenessWeight
    private let flushing: Flushing
    /// Whose updates it does without.
    private let absent: Set<ClientID>
    private var buffer: [Arrival] = []
    private(set) var version: Version = 0
    /// For each recorded version from `firstRecorded` on, this aggregation's version when it was published.
    private var versions: [Version] = [0]
    private var firstRecorded: Version = 0
    private var identities: SharedIdentities
    /// Updates that were used.
    private(set) var updates = 0
    /// Prompts of those updates, and the ones of them whose prompt the pool did not hold when they were used.
    private(set) var rows = 0
    private(set) var strayRows = 0

    /// - Parameters:
    ///   - strategy: holds the state that the recorded run started from.
    ///   - absent: clients whose updates it does without.
    init(
        name: String, strategy: any AggregationStrategy, stalenessWeight: StalenessWeight, flushing: Flushing,
        without absent: Set<ClientID> = []
    ) {
        self.name = name
        self.strategy = strategy
        self.stalenessWeight = stalenessWeight
        self.flushing = flushing
        self.absent = absent
        identities = SharedIdentities(strategy.state)
    }

    var state: PromptState { strategy.state }

    /// Begins in the middle of the recorded run. The versions before are the recorded ones: this aggregation counts its own
    /// from the last of them, which it starts from.
    /// - Parameter states: the recorded ones that updates may start from, ascending by version without gaps.
    mutating func begin(behind states: [AggregatorMessage.GlobalPrompts]) {
        guard let first = states.first, let last = states.last else { return }
        firstRecorded = first.version
        versions = states.map { $0.version - last.version }
    }

    /// Takes in an update that the recorded run accepted.
    ///
    /// - Parameters:
    ///   - base: the recorded state that it started from.
    ///   - isDiscarded: whether the recorded run discarded it as too late for its round.
    mutating func take(_ update: ClientMessage.Update, base: PromptState, isDiscarded: Bool) {
        if flushing == .asRecorded && isDiscarded || absent.contains(update.client) { return }
        buffer.append(Arrival(update: update, base: base, baseVersion: versions[update.baseVersion - firstRecorded]))
        if case .every(let size) = flushing, buffer.count >= size { flush() }
    }

    /// The recorded run made its next version.
    /// - Parameter tasks: those whose updates it is made of.
    mutating func follow(_ recorded: AggregatorMessage.GlobalPrompts, madeOf tasks: Set<UInt64>) {
        if flushing == .asRecorded { flush { tasks.contains($0.task) } }
        identities.compare(recorded.state, state)
        versions.append(version)
    }

    /// The recorded run ended, after which nothing that was acknowledged may be left over.
    mutating func finish() { flush() }

    /// Makes a version of the updates in the buffer that are among those, if there are any.
    private mutating func flush(_ isTaken: (ClientMessage.Update) -> Bool = { _ in true }) {
        let taken = buffer.filter { isTaken($0.update) }
        guard !taken.isEmpty else { return }
        let pool = RowIndex(state.promptIDs)
        let contributions = taken.map(contribution).sorted(by: Contribution.inOrder)
        buffer.removeAll { isTaken($0.update) }
        for contribution in contributions {
            rows += contribution.promptIDs.count
            strayRows += contribution.promptIDs.count(where: { pool[$0] == nil })
        }
        updates += contributions.count
        _ = strategy.aggregate(contributions)
        version += 1
    }

    private func contribution(_ arrival: Arrival) -> Contribution {
        let (update, staleness) = (arrival.update, version - arrival.baseVersion)
        return Contribution(
            client: update.client, session: update.session, sequence: update.task, parameters: update.parameters,
            promptIDs: identities.translate(update.promptIDs),
            base: PromptState(
                parameters: arrival.base.parameters, promptIDs: identities.translate(arrival.base.promptIDs)),
            sampleCount: update.sampleCount, staleness: staleness, stalenessWeight: stalenessWeight(staleness))
    }
}

/// Which identities mean the same prompt in a recorded run and in another aggregation of its updates.
///
/// Those of the pool that both start from do. Both number the prompts that are born later from there on, so once the two
/// states differ, a new identity of the one means nothing in the other.
private struct SharedIdentities {
    private var haveParted = false
    /// The highest identity while the states were the same.
    private var highest: PromptID

    init(_ initial: PromptState) { highest = initial.promptIDs.max() ?? 0 }

    mutating func compare(_ recorded: PromptState, _ other: PromptState) {
        guard !haveParted else { return }
        haveParted = recorded != other
        if !haveParted { highest = max(highest, recorded.promptIDs.max() ?? 0) }
    }

    /// Recorded identities as the other aggregation may read them: those that it cannot know become ones that it never
    /// gives.
    func translate(_ ids: [PromptID]) -> [PromptID] {
        haveParted ? ids.map { $0 <= highest ? $0 : $0 | 1 << 63 } : ids
    }
}
