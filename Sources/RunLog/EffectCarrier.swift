import Federation
import PromptAggregation

/// An effect whose record is on the disk, with what was made of it for the log.
package struct CommittedEffect: Sendable {
    package let effect: AggregatorEffect
    /// Of an effect that publishes a version.
    let version: EncodedVersion?
}

/// Whoever does what the aggregator wants done: a live service, or a simulation of one kind or another.
package protocol EffectCarrier {
    mutating func publish(_ message: AggregatorMessage, on topic: Topic) throws
    /// A new version, to all.
    mutating func publish(_ version: EncodedVersion) throws
    /// Fires once after that time, replacing the same timer if it is set.
    mutating func setTimer(_ timer: AggregatorTimer, after delay: Duration)
    mutating func note(_ flush: Flush) throws
    mutating func note(_ presence: Presence, of client: ClientID)
    /// Nothing more is to be done before the process is started again.
    mutating func noteRest()
    /// The run has ended.
    mutating func noteFinish()
}

extension EffectCarrier {
    package mutating func carryOut(_ committed: CommittedEffect) throws {
        switch committed.effect {
        case .publish(let topic, let message): try publish(message, on: topic)
        case .publishVersion(let prompts): try publish(committed.version ?? EncodedVersion(prompts))
        case .setTimer(let timer, let delay): setTimer(timer, after: delay)
        case .flushed(let flush): try note(flush)
        case .presenceChanged(let client, let presence): note(presence, of: client)
        case .rest: noteRest()
        case .finish: noteFinish()
        }
    }
}
