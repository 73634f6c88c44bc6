import PromptAggregation

extension TuningSession {
    func evaluate(_ selection: PromptSelectionRule) throws -> Evaluation {
        var evaluation = Evaluation(
            classCounts: [Int](repeating: 0, count: headShape.classes),
            classHits: [Int](repeating: 0, count: headShape.classes), loss: 0)
        let classes = headShape.classes
        for start in stride(from: 0, to: dataset.count, by: PromptSelectionRule.batchSize) {
            let images = Array(start..<min(start + PromptSelectionRule.batchSize, dataset.count))
            let outcome = try outcome(of: images, selection)
            for (place, image) in images.enumerated() {
                let label = dataset.labels[image]
                evaluation.classCounts[label] += 1
                let isHit = Int(outcome.predictions[place]) == label
                if isHit { evaluation.classHits[label] += 1 }
                let logits = outcome.logits[place * classes..<(place + 1) * classes]
                if isHit || dataset.isHitAmongItsGroup(label, logits) { evaluation.maskedClassHits[label] += 1 }
                evaluation.loss += outcome.losses[place]
            }
        }
        evaluation.loss /= Double(dataset.count)
        return evaluation
    }

    /// All images of the data set as one batch.
    func classify(_ selection: PromptSelectionRule) throws -> Classified {
        let images = Array(0..<dataset.count)
        let picks = try picks(of: images, selection)
        let outcome = try outcome(of: images, picks)
        return Classified(
            classes: headShape.classes, logits: outcome.logits, predictions: outcome.predictions.map(Int.init),
            losses: outcome.losses, picks: picks)
    }

    /// Class features of all images with the prompts that batches of 64 pick: [images, width].
    func promptedFeatures() throws -> [Float] {
        try stride(from: 0, to: dataset.count, by: PromptSelectionRule.batchSize).flatMap { start in
            let images = Array(start..<min(start + PromptSelectionRule.batchSize, dataset.count))
            return try outcome(of: images, .batch).features
        }
    }

    /// A batch without gradients.
    func outcome(of images: [Int], _ rule: PromptSelectionRule) throws -> BatchRunner.Outcome {
        try outcome(of: images, picks(of: images, rule))
    }

    /// A batch without gradients and prompts.
    func promptFreeOutcome(of images: [Int]) throws -> BatchRunner.Outcome {
        try outcome(of: images, images.map { _ in [] })
    }

    /// A batch without gradients, with the prompts that each image picked; images that picked the same share them.
    private func outcome(of images: [Int], _ picks: [[Int]]) throws -> BatchRunner.Outcome {
        let isShared = picks.allSatisfy { $0 == picks[0] }
        return try runner.run(
            batch(images), prompts: prompts(isShared ? picks[0] : Array(state.promptIDs.indices)),
            picks: isShared ? nil : picks, head: head(ClassTerms(classes: headShape.classes)), gradients: .none)
    }

    /// The pool's rows that each image uses: what is picked, the whole pool, or where class means are sent none.
    private func picks(of images: [Int], _ rule: PromptSelectionRule) throws -> [[Int]] {
        func shared(_ rows: [Int]) -> [[Int]] { [[Int]](repeating: rows, count: images.count) }
        if plan.classMeans { return shared([]) }
        let pool = Array(state.promptIDs.indices)
        switch rule {
        case .batch: return shared(try selection(for: images)?.rows ?? pool)
        case .instance:
            guard plan.promptsPerBatch > 0, plan.promptsPerBatch < pool.count else { return shared(pool) }
            let features = try classFeatures(of: images)
            return PromptSelection.picks(
                projected: projected(features), prompts: firstLayer(values(Parameters.prompts)),
                width: runner.encoder.width, count: plan.promptsPerBatch)
        }
    }
}
