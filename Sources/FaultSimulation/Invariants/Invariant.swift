import Federation
import PromptAggregation
import RunLog

/// What happens in a simulation, as far as an invariant may want to know.
package enum Observation {
    /// The aggregator published a version to all.
    case published(Version, Digest)
    /// An observer heard of the flush that made a version; `after` is the last one that it knew of.
    case flushed(Version, after: Version)
    /// The aggregator acknowledged updates to a client.
    case acknowledged(ClientID, UpdateID)
    case trained(Training)
    /// A client has an update on its disk.
    case stored(ClientID, UpdateID)
    /// A client keeps an update no longer.
    case discarded(ClientID, UpdateID, Settlement)
    /// An aggregator that was started again has this state; one of the others is what it must be.
    case recovered(Digest, among: [Digest])
    /// What recovery gave, and what running the whole log through the core gives.
    case resumed(Digest, whole: Digest)
    /// An aggregator began the run again on an empty disk.
    case begunAnew
    /// An observer of the aggregator heard a client's evaluation of a version.
    case evaluated(ClientMessage.Evaluation)
    /// A core found itself in a state that cannot be.
    case unsound(String)
    /// The aggregator's state after the last record of the log.
    case ended(Digest)
}

/// Something that must hold in every simulation, whatever fails.
protocol Invariant {
    /// What must hold, as a sentence.
    var name: String { get }
    mutating func observe(_ observation: Observation)
    /// Each way in which it does not hold, in words.
    func violations(in record: RunRecord) -> [String]
}

/// All that must hold.
enum Invariants {
    static func all() -> [any Invariant] {
        [
            AcknowledgedIsKept(), AppliedOnce(), VersionsOnlyGrow(), StalenessIsAccounted(), RunsEnd(),
            RecoveryIsExact(), EffectsComeOnce(), StatesAreSound(), ForeignUpdatesStay(),
        ]
    }
}
