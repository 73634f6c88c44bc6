/// A fault that the protocol is not made to survive. Tests plant one to see that an invariant notices.
package enum PlantedFault: CaseIterable, Sendable {
    /// Syncs of the log return at once: what is acknowledged is not safe.
    case ignoredSync
    /// A client that is started again sends what it kept as answers to other tasks.
    case relabelledOutbox
    /// A client that is started again finds nothing of what it kept.
    case forgottenOutbox
    /// Something reaches the aggregator's core past the log.
    case unloggedEvent
    /// A snapshot holds the state of one commit earlier than it says.
    case misplacedSnapshot
    /// The state that a segment begins with lacks what the commits before it brought.
    case outdatedSegment
    /// Of two segments the one that is still needed is removed.
    case misremovedSegment
    /// The aggregator takes all in and says nothing any more.
    case silentAggregator
    /// A batch's effects are carried out while it is on its way to the disk.
    case earlyEffects
    /// A batch's effects are carried out twice.
    case repeatedEffects
    /// A deadline that comes while a batch is on its way makes the aggregator forget that batch's effects.
    case lostBatch
    /// A flush that is aggregated beside leaves its last update out.
    case shortFlush
    /// A client that is started again takes what it keeps of other runs for its run's.
    case adoptedOutbox
    /// A client says that it trained on the newest version, whichever it trained on.
    case mislabelledBase
}
