import Federation
import PromptAggregation

/// An effect whose record is on the disk, with what was made of it for the log.
package struct CommittedEffect: Sendable {
    package let effect: AggregatorEffect
    /// Of an effect that publishes a version.
    var version: EncodedVersion?
    /// The bytes of an effect's message, where they were made beside the loop.
    var packed: [UInt8]?
}

/// Whoever does what the aggregator wants done: a live service, or a simulation of one kind or another.
package protocol EffectCarrier {
    /// - Parameter packed: the message's bytes, where they were made before.
    mutating func publish(_ message: AggregatorMessage, packed: [UInt8]?, on topic: Topic) throws
    /// A version, for observers: what travels of it is published apart.
    mutating func note(_ version: EncodedVersion) throws
    mutating func note(_ judgement: Judgement)
    mutating func note(_ flush: Flush) throws
    mutating func note(_ presence: Presence, of client: ClientID)
    mutating func note(_ failed: FailedTask)
    /// Two processes spoke for a client, and the session of the older one is asked to end.
    mutating func noteFenced(_ client: ClientID, session: UInt64)
    /// A client says how a version does on what it holds out.
    mutating func note(_ evaluation: ClientMessage.Evaluation) throws
    /// Nothing more is to be done before the process is started again.
    mutating func noteRest()
    /// The run has ended.
    mutating func noteFinish()
}

extension EffectCarrier {
    package mutating func carryOut(_ committed: CommittedEffect) throws {
        switch committed.effect {
        case .publish(let topic, let message): try publish(message, packed: committed.packed, on: topic)
        case .publishVersion(let prompts): try note(committed.version ?? EncodedVersion(prompts))
        case .judged(let judgement): note(judgement)
        case .flushed(let flush): try note(flush)
        case .presenceChanged(let client, let presence): note(presence, of: client)
        case .failed(let failed): note(failed)
        case .fenced(let client, let session): noteFenced(client, session: session)
        case .evaluated(let evaluation): try note(evaluation)
        case .rest: noteRest()
        case .finish: noteFinish()
        }
    }
}
