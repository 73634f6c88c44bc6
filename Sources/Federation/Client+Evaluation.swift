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
        /// What came of it, nil until then and where it failed.
        var answer: ClientMessage.Evaluation?
        /// Whether the run has ended, and the client with this evaluation.
        var isLastOne = false
    }

    /// A client that waits for its last evaluation ends without it after this time.
    private static let patience: Duration = .seconds(600)

    /// Whether an evaluation waits for a state.
    var assessmentNeedsState: Bool { assessment.wanted.map { (held?.version ?? -1) < $0 } ?? false }

    /// An order that comes a second time asks for an answer that was lost.
    mutating func receive(_ order: AggregatorMessage.Evaluate) {
        guard order.version <= assessment.last else { return evaluate(order) }
        guard welcomed, assessment.running == nil, let answer = assessment.answer, answer.version >= order.version
        else { return }
        send(.evaluation(answer))
    }

    /// Evaluates a version, or a newer one, unless that has begun.
    mutating func evaluate(_ order: AggregatorMessage.Evaluate) {
        guard welcomed, heldOutCount > 0, retirement == nil, !leaving || assessment.isLastOne,
            order.version > max(assessment.last, assessment.wanted ?? -1)
        else { return }
        assessment.wanted = order.version
        if assessmentNeedsState { fetch() }
        evaluateIfPossible()
    }

    /// Begins the evaluation that is wanted if its state, or a newer one, is there. One at a time is under way; what is
    /// asked for meanwhile is begun after it.
    mutating func evaluateIfPossible() {
        guard let wanted = assessment.wanted, assessment.running == nil, let held, held.version >= wanted else {
            return
        }
        assessment.wanted = nil
        assessment.running = held.version
        assessment.last = held.version
        assessment.answer = nil
        effects.append(.evaluate(held))
    }

    mutating func finishEvaluation(_ evaluation: ClientMessage.Evaluation?) {
        guard assessment.running != nil else { return }
        assessment.running = nil
        assessment.answer = evaluation
        if let evaluation { send(.evaluation(evaluation)) }
        evaluateIfPossible()
    }

    /// Whether an evaluation is under way, or waits for its state.
    var evaluates: Bool { assessment.running != nil || assessment.wanted != nil }

    /// The run has ended: what is left is to say how its last version does.
    mutating func waitForLastEvaluation() {
        guard !assessment.isLastOne else { return }
        assessment.isLastOne = true
        leaving = true
        pace.graceEnd = clock.elapsed.saturatingAdd(Self.patience.wholeNanoseconds)
    }
}
