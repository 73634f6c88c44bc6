import Federation
import PromptWire

/// What a flush comes to, with its version encoded: all that takes time, for the thread that aggregates.
package struct AggregatedFlush: Sendable {
    package let outcome: FlushOutcome
    let version: EncodedVersion
    /// `AggregatorCodec.encode` of what is published to all; nil where nobody sends it.
    let packed: [UInt8]?

    /// Aggregates and encodes. It may take seconds.
    /// - Parameter origin: of what is published; nil where nobody sends it.
    package init(_ work: FlushWork, from origin: Origin?) {
        let outcome = work.perform()
        self.outcome = outcome
        version = EncodedVersion(outcome.published)
        packed = origin.map { AggregatorCodec.encode(.prompts(outcome.message), from: $0) }
    }

    /// The bytes of an effect that the flush came to.
    func packed(for effect: AggregatorEffect) -> [UInt8]? {
        guard case .publish(.all, .prompts(let prompts)) = effect, prompts.version == outcome.version else {
            return nil
        }
        return packed
    }
}
