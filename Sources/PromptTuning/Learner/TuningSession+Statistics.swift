import PromptAggregation

/// Class statistics of a client's images, taken through the encoder without prompts or with the published ones.
extension TuningSession {
    /// What FedCOF asks for in place of tuning: class means and counts, with the loss and accuracy of the published head.
    func classMeans(shouldStop: () -> Bool) throws -> TuningResult? {
        guard headShape.hidden == nil else {
            throw TuningError.parameterShape(
                Parameters.headHiddenWeight, expected: "none where class means are sent",
                found: state.parameters[Parameters.headHiddenWeight]!.shape)
        }
        guard let pass = try passOverAll(.batch, shouldStop: shouldStop) else { return nil }
        var sent = pass.sums.meansAndCounts()
        sent[Parameters.prompts] = Tensor(zeros: [0, promptWidth])
        return TuningResult(
            parameters: sent, promptIDs: [], personal: Parameters(), sampleCount: dataset.count, steps: 0,
            meanLoss: pass.meanLoss, trainingAccuracy: pass.accuracy)
    }

    /// Whether the state asks for class statistics with its own prompts.
    var isToMeasure: Bool { state.parameters[Parameters.statisticsGeneration] != nil }

    /// Class means, counts and scatter of all images with the published prompts, in place of tuning, with the loss and
    /// accuracy of these and the published head.
    func measured(shouldStop: () -> Bool) throws -> TuningResult? {
        try checkScatter()
        guard let pass = try passOverAll(.instance, shouldStop: shouldStop) else { return nil }
        return result(steps: 0, meanLoss: pass.meanLoss, accuracy: pass.accuracy, statistics: pass.sums.statistics())
    }

    private func passOverAll(
        _ rule: PromptSelectionRule, shouldStop: () -> Bool
    ) throws -> (sums: ClassSums, meanLoss: Double, accuracy: Double)? {
        var sums = ClassSums(classes: headShape.classes, width: state.parameters[Parameters.headWeight]!.shape[1])
        var (loss, hits) = (0.0, 0)
        for images in batchesInOrder {
            if shouldStop() { return nil }
            let labels = images.map { dataset.labels[$0] }
            let outcome = try outcome(of: images, rule)
            sums.add(outcome.headInputs, labels: labels, whitening: whitening)
            loss += outcome.losses.reduce(0, +)
            hits += zip(outcome.predictions, labels).count { Int($0) == $1 }
        }
        return (sums, loss / Double(dataset.count), Double(hits) / Double(dataset.count))
    }

    /// Class means, counts and scatter of all images, where the state asks for them beside what is tuned.
    ///
    /// Without prompts they are the same in every task, so statistics of all clients fit together whenever each was heard, and
    /// the head that is solved from them does not change under the clients that tune prompts around it.
    func scatter(shouldStop: () -> Bool) throws -> Parameters? {
        try checkScatter()
        var sums = ClassSums(classes: headShape.classes, width: state.parameters[Parameters.headWeight]!.shape[1])
        for images in batchesInOrder {
            if shouldStop() { return nil }
            let read =
                headShape.onClassifier ? try promptFreeOutcome(of: images).headInputs : try classFeatures(of: images)
            sums.add(read, labels: images.map { dataset.labels[$0] }, whitening: whitening)
        }
        return sums.statistics()
    }

    private func checkScatter() throws(TuningError) {
        let scatter = state.parameters[Parameters.classScatter]!
        guard headShape.hidden == nil, let inputs = state.parameters[Parameters.headWeight]?.shape.last,
            scatter.shape == [inputs * (inputs + 1) / 2]
        else {
            throw TuningError.parameterShape(
                Parameters.classScatter, expected: "a triangle beside a linear head", found: scatter.shape)
        }
    }

    /// What a task brings before the first head is solved: under a head of zeros prompts have no gradient, so it takes no
    /// step. Every class is as probable, and the first wins.
    func resultWithoutSteps(_ statistics: Parameters) -> TuningResult? {
        guard [Parameters.headWeight, Parameters.headBias].allSatisfy({ values($0).allSatisfy { $0 == 0 } }) else {
            return nil
        }
        let hits = dataset.labels.count { $0 == 0 }
        return result(
            steps: 0, meanLoss: Elementary.log(Double(headShape.classes)),
            accuracy: Double(hits) / Double(dataset.count), statistics: statistics)
    }

    private var batchesInOrder: [[Int]] {
        stride(from: 0, to: dataset.count, by: plan.batchSize).map {
            Array($0..<min($0 + plan.batchSize, dataset.count))
        }
    }
}
