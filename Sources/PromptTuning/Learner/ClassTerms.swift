import PromptAggregation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What the loss of a batch knows of the classes.
package struct ClassTerms {
    /// Added to the logits in the loss, not in the predictions: [classes].
    package private(set) var adjustment: [Float]
    /// The factor of the loss of a class's images: [classes].
    package private(set) var weights: [Float]

    /// Terms that change nothing.
    init(classes: Int) {
        adjustment = [Float](repeating: 0, count: classes)
        weights = [Float](repeating: 1, count: classes)
    }

    /// The terms that a plan asks for, for a client with these labels.
    ///
    /// - Parameter labels: at least one, all in 0..<classes.
    package init(_ plan: TrainingPlan, labels: [Int], classes: Int) {
        self.init(classes: classes)
        var counts = [Int](repeating: 0, count: classes)
        for label in labels { counts[label] += 1 }
        if plan.logitAdjustment != 0 { adjustment = Self.logPriors(counts, strength: plan.logitAdjustment) }
        if plan.classBalance != 0 { weights = Self.balanced(counts, beta: plan.classBalance) }
    }

    /// strength · log P(class), P from the counts; −∞ for a class without images, which takes it out of the loss.
    private static func logPriors(_ counts: [Int], strength: Double) -> [Float] {
        let total = Double(counts.reduce(0, +))
        return counts.map { $0 == 0 ? -.infinity : Float(strength * log(Double($0) / total)) }
    }

    /// 1 / E_n of each class, E_n = (1 − βⁿ) / (1 − β) the effective number of n images (Cui et al. 2019, equation 2).
    ///
    /// Scaled so that the mean over the client's images is 1, where the paper has the mean over the classes: a client
    /// with nearly all images in one class would otherwise take far smaller steps than its neighbours.
    private static func balanced(_ counts: [Int], beta: Double) -> [Float] {
        // expm1 and log1p keep 1 − βⁿ exact for β next to 1.
        let inverses = counts.map { $0 == 0 ? 0 : (1 - beta) / -expm1(Double($0) * log1p(beta - 1)) }
        let total = zip(counts, inverses).reduce(0) { $0 + Double($1.0) * $1.1 }
        return inverses.map { Float($0 * Double(counts.reduce(0, +)) / total) }
    }
}
