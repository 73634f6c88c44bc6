import Federation
import PromptAggregation

/// What one run of the checker has published and asked, and what came of it.
struct StagedRun {
    let number: UInt64
    var epoch: UInt64 = 1
    var precision: Precision
    var version: Version = 0
    var states: [Version: PromptState]
    /// Grows from a number that leaves room for misleading ones.
    var nextTask: UInt64
    var newest: PromptState { states[version]! }
}

/// A task that was given, and all that answered it.
struct StagedTask {
    let session: UInt64
    let version: Version
    let givenAt: ContinuousClock.Instant
    /// Whether it is repeated until a heartbeat shows it.
    var isShown = false
    var answers: [(at: ContinuousClock.Instant, update: ClientMessage.Update)] = []
    var failures: [(at: ContinuousClock.Instant, reason: String)] = []
    /// When it was acknowledged or rejected for good, and which of both.
    var settled: (at: ContinuousClock.Instant, as: ClientRule)?
    /// The process of the client that answered it first, counted by its starts.
    var process: Int?

    var isAnswered: Bool { !answers.isEmpty || !failures.isEmpty }
}

/// What the checker does by itself. A scene turns some of it off.
struct Manners {
    var welcomes = true
    var answersFetches = true
    var acknowledges = true
    var phase: AggregatorMessage.Beacon.Phase = .running
}

/// A scene cannot continue: the client broke a rule that the rest of the scene relies on.
struct Setback: Error {
    let rule: ClientRule
    let seen: String
}

/// A message that no client may act on names this task.
struct Stray {
    let id: UpdateID
    /// The rule that acting on it breaks.
    let rule: ClientRule
}
