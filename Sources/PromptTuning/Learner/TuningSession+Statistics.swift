import PromptAggregation

/// What a pass over all images of a client brings under the published state, before anything moves.
struct ClassPass {
    /// The class statistics, by the names of the state's tensors.
    var sent: Parameters
    /// The mean cross-entropy, and the share of images whose class is predicted.
    let loss: Double
    let accuracy: Double
}

extension TuningSession {
    /// What FedCOF asks for in place of tuning: class means and counts, taken without prompts.
    func classMeans(shouldStop: () -> Bool) throws -> TuningResult? {
        guard headShape.hidden == nil else {
            throw TuningError.parameterShape(
                Parameters.headHiddenWeight, expected: "none where class means are sent",
                found: state.parameters[Parameters.headHiddenWeight]!.shape)
        }
        guard let (sums, pass) = try classPass(shouldStop: shouldStop) else { return nil }
        var sent = sums.meansAndCounts()
        sent[Parameters.prompts] = Tensor(zeros: [0, promptWidth])
        return TuningResult(
            parameters: sent, promptIDs: [], personal: Parameters(), sampleCount: dataset.count, steps: 0,
            meanLoss: pass.loss, trainingAccuracy: pass.accuracy)
    }

    /// Class statistics with scatter, where the state asks for them beside what is tuned.
    ///
    /// They are of the published prompts and not of those that the client tunes: the head that is solved from them is
    /// published beside the mean of many clients' prompts, which lies nearer to where all of them started.
    func scatter(shouldStop: () -> Bool) throws -> ClassPass? {
        let scatter = state.parameters[Parameters.classScatter]!
        guard headShape.hidden == nil, let inputs = state.parameters[Parameters.headWeight]?.shape.last,
            scatter.shape == [inputs * (inputs + 1) / 2]
        else {
            throw TuningError.parameterShape(
                Parameters.classScatter, expected: "a triangle beside a linear head", found: scatter.shape)
        }
        guard var (sums, pass) = try classPass(shouldStop: shouldStop) else { return nil }
        pass.sent = sums.meansAndCounts()
        pass.sent[Parameters.classScatter] = sums.scatter()
        return pass
    }

    /// Whether no prompt can have a gradient, as before the first head is solved.
    var hasZeroHead: Bool {
        [Parameters.headWeight, Parameters.headBias].allSatisfy { values($0).allSatisfy { $0 == 0 } }
    }

    private func classPass(shouldStop: () -> Bool) throws -> (sums: ClassSums, pass: ClassPass)? {
        var sums = ClassSums(classes: headShape.classes, width: state.parameters[Parameters.headWeight]!.shape[1])
        var (loss, hits) = (0.0, 0)
        for start in stride(from: 0, to: dataset.count, by: plan.batchSize) {
            if shouldStop() { return nil }
            let images = Array(start..<min(start + plan.batchSize, dataset.count))
            let labels = images.map { dataset.labels[$0] }
            let outcome = try outcome(of: images, .batch)
            sums.add(outcome.headInputs, labels: labels, whitening: whitening)
            loss += outcome.losses.reduce(0, +)
            hits += zip(outcome.predictions, labels).count { Int($0) == $1 }
        }
        let count = Double(dataset.count)
        return (sums, ClassPass(sent: Parameters(), loss: loss / count, accuracy: Double(hits) / count))
    }
}
