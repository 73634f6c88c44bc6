import PromptAggregation

/// How clients are asked to evaluate versions on what they hold out, and what they say.
///
/// All are asked at once. The order may be lost on its way, and so may an answer: whoever owes one is asked again a lease
/// later, for as long as it is alive and no newer version is asked for. Whoever comes meanwhile is asked too.
extension Aggregator {
    /// Whether clients are asked to evaluate a version because of its number.
    func isEvaluated(_ version: Version) -> Bool {
        configuration.evaluateEvery > 0 && version.isMultiple(of: configuration.evaluateEvery)
    }

    /// Asks those who hold samples out for an evaluation of the current version, which they were sent just before.
    mutating func orderEvaluation() {
        clients.order(evaluation: version)
        waits.evaluationAsked = clock.listened
        if clients.owing > 0 { effects.append(.publish(.all, .evaluate(.init(version: version)))) }
    }

    /// What clients are asked to evaluate, nil for nothing.
    var evaluationOrder: AggregatorMessage.Evaluate? {
        clients.evaluation >= 0 ? .init(version: clients.evaluation) : nil
    }

    /// `listened` when whoever owes an evaluation is asked again.
    var evaluationDeadline: Int64? {
        clients.owing > 0 ? waits.evaluationAsked.saturatingAdd(configuration.lease.wholeNanoseconds) : nil
    }

    mutating func askAgainForEvaluations() {
        waits.evaluationAsked = clock.listened
        for record in clients.records where clients.owes(record) {
            effects.append(.publish(.client(record.id), .evaluate(.init(version: clients.evaluation))))
        }
    }

    /// Passes on what a client says of a version, once, unless it cannot be so. It is not asked again for what cannot be.
    mutating func receive(_ evaluation: ClientMessage.Evaluation) {
        guard let slot = voice(of: evaluation.client, evaluation.session) else { return }
        hear(from: slot)
        let isNews = evaluation.version > clients[slot].evaluated
        if isNews { clients.change(slot) { $0.evaluated = min(evaluation.version, version) } }
        if let problem = problem(of: evaluation) {
            effects.append(
                .publish(.client(evaluation.client), .malformed(.init(client: evaluation.client, reason: problem))))
        } else if isNews {
            effects.append(.evaluated(evaluation))
        }
    }

    private func problem(of evaluation: ClientMessage.Evaluation) -> String? {
        guard evaluation.version <= version else {
            return "evaluation.version: expected at most \(version), found \(evaluation.version)"
        }
        guard evaluation.loss.isFinite, evaluation.loss >= 0 else {
            return "evaluation.loss: expected a finite number of at least 0, found \(evaluation.loss)"
        }
        guard evaluation.total.count == evaluation.correct.count, evaluation.total.contains(where: { $0 > 0 }),
            zip(evaluation.correct, evaluation.total).allSatisfy({ $0 <= $1 })
        else {
            return
                "evaluation.correct: expected for each class at most as many as evaluation.total says, and some samples"
        }
        return nil
    }
}
