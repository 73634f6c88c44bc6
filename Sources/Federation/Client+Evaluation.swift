import PromptAggregation

/// How a client evaluates versions on what it holds out.
extension Client {
    struct Assessment: Sendable {
        /// The newest version that the client was asked for and does not hold yet.
        var wanted: Version?
        /// The version that is being evaluated.
        var running: Version?
        /// The newest version whose evaluation was begun.
        var last: Version = -1
        /// Whether the run has ended, and the client with this evaluation.
        var isLastOne = false
    }

    /// A client that waits for its last evaluation ends without it after this time.
    private static let patience: Duration = .seconds(600)

    /// Whether an evaluation waits for a state.
    var assessmentNeedsState: Bool { assessment.wanted.map { (held?.version ?? -1) < $0 } ?? false }

    mutating func receive(_ order: AggregatorMessage.Evaluate) {
        guard welcomed, heldOutCount > 0, retirement == nil, !leaving, order.version > assessment.last else { return }
        assessment.wanted = order.version
        if assessmentNeedsState { fetch() }
        evaluateIfPossible()
    }

    /// Begins the evaluation that is wanted if its state, or a newer one, is there. One at a time is under way; what is
    /// asked for meanwhile is begun after it.
    mutating func evaluateIfPossible() {
        guard let wanted = assessment.wanted, assessment.running == nil, let held, held.version >= wanted else { return }
        assessment.wanted = nil
        assessment.running = held.version
        assessment.last = held.version
        effects.append(.evaluate(held))
    }

    mutating func finishEvaluation(_ evaluation: ClientMessage.Evaluation?) {
        guard assessment.running != nil else { return }
        assessment.running = nil
        if let evaluation { send(.evaluation(evaluation)) }
        evaluateIfPossible()
    }

    /// The run has ended: what is left is to say how its last version does.
    mutating func waitForLastEvaluation() {
        guard !assessment.isLastOne else { return }
        assessment.isLastOne = true
        leaving = true
        pace.graceEnd = clock.elapsed.saturatingAdd(Self.patience.wholeNanoseconds)
    }
}
