/// How well a state classifies a data set.
public struct Evaluation: Hashable, Sendable {
    /// Images of each class.
    public var classCounts: [Int]
    /// Images of each class that were classified right.
    public var classHits: [Int]
    /// Images of each class that are classified right among the classes of their own source (`ExampleSource.classGroups`).
    public var maskedClassHits: [Int]
    /// The mean cross-entropy.
    public var loss: Double

    /// - Parameter maskedClassHits: the same as `classHits` unless given.
    public init(classCounts: [Int], classHits: [Int], maskedClassHits: [Int]? = nil, loss: Double) {
        self.classCounts = classCounts
        self.classHits = classHits
        self.maskedClassHits = maskedClassHits ?? classHits
        self.loss = loss
    }

    /// The mean over several evaluations on the same images, each weighing the same: of the accuracies, of those of each
    /// class, and of the losses. Counts and hits are sums.
    ///
    /// - Precondition: at least one, all of as many classes.
    public init(meanOf evaluations: [Evaluation]) {
        self.init(pooling: evaluations)
        loss = evaluations.reduce(0) { $0 + $1.loss } / Double(evaluations.count)
    }

    /// Several evaluations, each on images of its own, as one on all of them.
    ///
    /// - Precondition: at least one, all of as many classes.
    public init(pooling evaluations: [Evaluation]) {
        func sum(_ counts: (Evaluation) -> [Int]) -> [Int] {
            evaluations.dropFirst().reduce(counts(evaluations[0])) { zip($0, counts($1)).map(+) }
        }
        self.init(
            classCounts: sum(\.classCounts), classHits: sum(\.classHits), maskedClassHits: sum(\.maskedClassHits),
            loss: 0)
        loss = evaluations.reduce(0) { $0 + $1.loss * Double($1.count) } / Double(max(1, count))
    }

    public var count: Int { classCounts.reduce(0, +) }

    /// The share of all images that were classified right; 0 without images.
    public var accuracy: Double { count == 0 ? 0 : Double(classHits.reduce(0, +)) / Double(count) }

    /// The accuracy when each image is classified among the classes of its own source alone.
    public var maskedAccuracy: Double {
        count == 0 ? 0 : Double(maskedClassHits.reduce(0, +)) / Double(count)
    }

    /// For each class the share of its images that were classified right; nil for a class without images.
    public var classAccuracy: [Double?] {
        zip(classHits, classCounts).map { $1 == 0 ? nil : Double($0) / Double($1) }
    }

    /// The mean of the classes' accuracies over the classes that have images.
    public var balancedAccuracy: Double {
        let known = classAccuracy.compactMap(\.self)
        return known.isEmpty ? 0 : known.reduce(0, +) / Double(known.count)
    }
}
