import Federation

/// What a flush comes to, with its version encoded: all that takes time, for the thread that aggregates.
package struct AggregatedFlush: Sendable {
    package let outcome: FlushOutcome
    let version: EncodedVersion

    /// Aggregates and encodes. It may take seconds.
    package init(_ work: FlushWork) {
        outcome = work.perform()
        version = EncodedVersion(outcome.published)
    }
}
