/// One thing that was looked at, how it is, and what to do about it.
public struct Finding: Encodable, Equatable, Sendable {
    /// How a check ended.
    public enum Outcome: String, Encodable, Sendable {
        case ok
        /// It runs like this, but not as well or as long as it should.
        case warning
        /// It cannot run like this.
        case failed
    }
    public var subject: String
    public var outcome: Outcome
    /// What was found.
    public var found: String
    /// What to do, nil where all is well.
    public var advice: String?

    package static func ok(_ subject: String, _ found: String) -> Finding {
        Finding(subject: subject, outcome: .ok, found: found)
    }

    package static func warning(_ subject: String, _ found: String, advice: String) -> Finding {
        Finding(subject: subject, outcome: .warning, found: found, advice: advice)
    }

    package static func failed(_ subject: String, _ found: String, advice: String) -> Finding {
        Finding(subject: subject, outcome: .failed, found: found, advice: advice)
    }
}
