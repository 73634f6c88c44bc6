import PromptAggregation
import Testing

/// A head solved from the clients' class statistics, beside any strategy for the prompts.
@Suite struct ClosedHeadTests {
    static let width = 6
    static let classes = 4
    let initial = Sample.state(pool: 5, width: width, classes: classes)

    /// Images as what the head reads of them, with labels: the classes' means differ, and so do the directions' variances.
    static func images(_ count: Int, classes: Int = classes, seed: UInt64 = 3) -> [(x: [Double], label: Int)] {
        var random = SeededRandom(seed: seed, stream: 12)
        let means = (0..<Self.classes).map { _ in (0..<width).map { _ in 2 * random.nextNormal() } }
        return (0..<count).map { image in
            let label = image % classes
            return (means[label].enumerated().map { $1 + Double($0 + 1) * 0.5 * random.nextNormal() }, label)
        }
    }

    /// What a client that has these images sends, its prompts and head moved a little.
    static func contribution(
        _ client: Int, _ images: [(x: [Double], label: Int)], base: PromptState, sequence: UInt64 = 1,
        staleness: Int = 0, weight: Double = 1
    ) -> Contribution {
        var counts = [Double](repeating: 0, count: classes)
        var means = [Double](repeating: 0, count: classes * width)
        for (x, label) in images {
            counts[label] += 1
            for column in 0..<width { means[label * width + column] += x[column] }
        }
        for place in means.indices where counts[place / width] > 0 { means[place] /= counts[place / width] }
        var scatter: [Double] = []
        for row in 0..<width {
            for column in row..<width {
                scatter.append(
                    images.reduce(0) {
                        let mean = means[$1.label * width..<($1.label + 1) * width]
                        return $0 + ($1.x[row] - mean[mean.startIndex + row])
                            * ($1.x[column] - mean[mean.startIndex + column])
                    })
            }
        }
        var contribution = Sample.contribution(
            client, base: base, samples: max(1, images.count), staleness: staleness, weight: weight,
            sequence: sequence)
        func tensor(_ shape: [Int], _ values: [Double]) -> Tensor {
            Tensor(shape: shape, values: values.map { Float($0) })
        }
        contribution.parameters[Parameters.classMeans] = tensor([classes, width], means)
        contribution.parameters[Parameters.classCounts] = tensor([classes], counts)
        contribution.parameters[Parameters.classScatter] = tensor([scatter.count], scatter)
        return contribution
    }

    static func make(_ name: String, _ initial: PromptState) throws -> any AggregationStrategy {
        try Sample.make(name, [("head", "closed")], initial: initial)
    }

    /// The logits' differences to class 0 by Gauss's elimination on Σ w = μ_c − μ_0, written out for all images at once.
    static func slowHead(_ images: [(x: [Double], label: Int)], shrinkage: Double) -> (weight: [Double], bias: [Double])
    {
        let count = Double(images.count)
        func mean(_ chosen: [(x: [Double], label: Int)]) -> [Double] {
            (0..<width).map { column in chosen.reduce(0) { $0 + $1.x[column] } / Double(max(1, chosen.count)) }
        }
        let own = (0..<classes).map { label in mean(images.filter { $0.label == label }) }
        let centred: [[Double]] = images.map { image in zip(image.x, own[image.label]).map { $0 - $1 } }
        var covariance: [[Double]] = (0..<width).map { row in
            (0..<width).map { column in centred.reduce(0.0) { $0 + $1[row] * $1[column] } / count }
        }
        let trace: Double = (0..<width).reduce(0.0) { $0 + covariance[$1][$1] }
        let ridge = shrinkage * trace / Double(width)
        for row in 0..<width { covariance[row][row] += ridge }
        let middle = mean(images)
        var (weight, bias): ([Double], [Double]) = ([], [])
        for label in 0..<classes {
            let n = Double(images.count { $0.label == label })
            let target = (0..<width).map { (n * own[label][$0] + middle[$0]) / (n + 1) }
            let row = solve(covariance, target)
            weight += row
            bias.append(-zip(row, target).reduce(0) { $0 + $1.0 * $1.1 } / 2)
        }
        return (weight, bias)
    }

    static func solve(_ matrix: [[Double]], _ right: [Double]) -> [Double] {
        var rows = zip(matrix, right).map { $0 + [$1] }
        for pivot in rows.indices {
            rows[pivot] = rows[pivot].map { $0 / rows[pivot][pivot] }
            for other in rows.indices where other != pivot {
                let factor = rows[other][pivot]
                rows[other] = zip(rows[other], rows[pivot]).map { $0 - factor * $1 }
            }
        }
        return rows.map { $0[width] }
    }

    func difference(_ state: PromptState, _ head: (weight: [Double], bias: [Double])) -> Double {
        let values = state.parameters[Parameters.headWeight]!.values + state.parameters[Parameters.headBias]!.values
        return zip(values, head.weight + head.bias).reduce(0) { max($0, abs(Double($1.0) - $1.1) / (1 + abs($1.1))) }
    }

    /// However the images are divided over clients, flushes and stale answers, the head is that of all images together.
    @Test(arguments: [1, 3, 7])
    func isTheHeadOfAllImagesHoweverTheyAreDivided(clients: Int) throws {
        let images = Self.images(83)
        var strategy = try Self.make("pfpt-async", initial)
        // Skewed: the images by label, cut into unequal parts.
        let sorted = images.sorted { $0.label < $1.label }
        var parts: [[(x: [Double], label: Int)]] = (0..<clients).map { _ in [] }
        for (place, image) in sorted.enumerated() { parts[place * place / 83 * clients / 83].append(image) }
        for (client, part) in parts.enumerated() {
            _ = strategy.aggregate([
                Self.contribution(
                    client, part, base: initial, staleness: client, weight: StalenessWeight.inverseSquareRoot(client))
            ])
        }
        #expect(difference(strategy.state, Self.slowHead(images, shrinkage: 0.1)) < 1e-4)
        // It separates the classes.
        let head = strategy.state.parameters
        let hits = images.count { image in
            let logits = (0..<Self.classes).map { label in
                let row = head[Parameters.headWeight]!.row(label)
                return zip(row, image.x).reduce(Double(head[Parameters.headBias]!.values[label])) {
                    $0 + Double($1.0) * $1.1
                }
            }
            return logits.firstIndex(of: logits.max()!) == image.label
        }
        #expect(hits > 60)
    }

    /// A client's newer statistics take the place of its older ones.
    @Test func theLastStatisticsOfAClientCount() throws {
        var strategy = try Self.make("fedavg", initial)
        _ = strategy.aggregate([Self.contribution(1, Self.images(40, seed: 8), base: initial)])
        _ = strategy.aggregate([Self.contribution(2, Self.images(20), base: initial)])
        _ = strategy.aggregate([Self.contribution(1, Array(Self.images(60).dropFirst(20)), base: initial, sequence: 2)])
        #expect(difference(strategy.state, Self.slowHead(Self.images(60), shrinkage: 0.1)) < 1e-4)
    }

    /// Prompts move as they do without it once all classes are known, and the head that clients send counts for nothing.
    @Test(arguments: ["pfpt-async", "pfpt", "fedavg", "fedbuff", "fedasync", "fedopt", "ca2fl", "gmm", "trimmed-mean"])
    func leavesThePromptsToTheStrategy(name: String) throws {
        var plain = try Sample.make(name, initial: initial)
        var closed = try Self.make(name, initial)
        _ = closed.aggregate((0..<3).map { Self.contribution($0, Self.images(30), base: initial, sequence: 9) })
        #expect(closed.state.prompts == initial.prompts)
        for round in 1...2 {
            var contributions = (0..<3).map {
                Self.contribution($0, Self.images(30), base: initial, sequence: UInt64(round))
            }
            let expected = plain.aggregate(contributions)
            for place in contributions.indices { contributions[place].parameters[Parameters.headBias]!.values[0] = 1e6 }
            #expect(closed.aggregate(contributions) == expected)
            #expect(closed.state.prompts == plain.state.prompts && closed.state.promptIDs == plain.state.promptIDs)
        }
        #expect(
            difference(closed.state, Self.slowHead(Self.images(30) + Self.images(30) + Self.images(30), shrinkage: 0.1))
                < 1e-4)
    }

    /// What was tuned under a head that did not know the client's classes moves nothing, and the report says so. What others tuned
    /// counts as it does without it.
    @Test(arguments: ["pfpt-async", "fedbuff", "fedavg"])
    func whatIsTunedUnderAHeadThatDoesNotKnowTheClassesDoesNotCount(name: String) throws {
        // Of 40 images 10 of each class.
        let images = Self.images(40)
        func answer(
            _ client: Int, _ counts: [Int], sequence: UInt64 = 1, staleness: Int = 0
        ) -> Contribution {
            let own = counts.enumerated().flatMap { label, count in images.filter { $0.label == label }.prefix(count) }
            return Self.contribution(client, Array(own), base: initial, sequence: sequence, staleness: staleness)
        }
        var strategy = try Self.make(name, initial)
        #expect(strategy.aggregate([answer(0, [10, 9, 0, 0]), answer(1, [0, 9, 0, 0])]).weights == [0, 0])
        #expect(strategy.state.prompts == initial.prompts)
        let others = [
            // All known; a tenth is not, which is few enough; more than a tenth is not.
            answer(2, [3, 3, 0, 0]), answer(3, [5, 4, 1, 0]), answer(4, [5, 3, 1, 0]),
            // It began before anybody was known; it has none of the classes.
            answer(5, [3, 3, 0, 0], staleness: 1), answer(6, [0, 0, 0, 7]),
        ]
        let report = strategy.aggregate(others)
        #expect(report.weights.map { $0 > 0 } == [true, true, false, false, false])
        var plain = try Sample.make(name, initial: initial)
        let expected = plain.aggregate(Array(others[..<2]))
        #expect(strategy.state.prompts == plain.state.prompts && strategy.state.prompts != initial.prompts)
        #expect(Array(report.weights[..<2]) == expected.weights)
        #expect(expected.matches.isEmpty || report.matches == expected.matches + [[], [], []])
        // By now the head knows all classes.
        #expect(
            strategy.aggregate([answer(6, [0, 0, 0, 7], sequence: 2), answer(4, [5, 3, 1, 0], sequence: 2)])
                .weights.allSatisfy { $0 > 0 })
    }

    /// A class that nobody has shown yet wins for no image of the others.
    @Test func aClassThatNobodyHasDoesNotTakeTheOthersImages() throws {
        let images = Self.images(90, classes: 3)
        var strategy = try Self.make("fedavg", initial)
        _ = strategy.aggregate([Self.contribution(0, images, base: initial)])
        #expect(difference(strategy.state, Self.slowHead(images, shrinkage: 0.1)) < 1e-4)
        let (weight, bias) = (
            strategy.state.parameters[Parameters.headWeight]!, strategy.state.parameters[Parameters.headBias]!.values
        )
        let taken = images.count { image in
            let logits = (0..<4).map { label in
                zip(weight.row(label), image.x).reduce(Double(bias[label])) { $0 + Double($1.0) * $1.1 }
            }
            return logits[3] == logits.max()
        }
        #expect(taken < 9)
    }

    @Test func waitsWithTheHeadUntilThereIsScatter() throws {
        var strategy = try Self.make("fedavg", initial)
        _ = strategy.aggregate([Self.contribution(0, Array(Self.images(1)), base: initial)])
        for name in [Parameters.headWeight, Parameters.headBias] {
            #expect(strategy.state.parameters[name] == initial.parameters[name])
        }
        _ = strategy.aggregate([Self.contribution(0, Self.images(40), base: initial, sequence: 2, weight: 0)])
        #expect(strategy.state.parameters[Parameters.headWeight] == initial.parameters[Parameters.headWeight])
    }

    @Test func goesOnFromASnapshotToTheSameBits() throws {
        var strategy = try Self.make("pfpt-async", initial)
        _ = strategy.aggregate((0..<3).map { Self.contribution($0, Self.images(30 + $0), base: initial) })
        var restored = try Self.make("pfpt-async", initial)
        try restored.restore(strategy.snapshot())
        let next = [Self.contribution(1, Self.images(25, seed: 4), base: strategy.state, sequence: 2)]
        #expect(restored.aggregate(next) == strategy.aggregate(next))
        #expect(restored.state == strategy.state && restored.snapshot() == strategy.snapshot())
        var tuned = try Sample.make("pfpt-async", initial: initial)
        #expect(throws: SnapshotError.self) { try tuned.restore(strategy.snapshot()) }
    }

    @Test func asksClientsToLeaveTheHeadAndRefusesOneWithAHiddenLayer() throws {
        var plan = TrainingPlan()
        try StrategyCatalog.adapt(&plan, to: "fedprox", settings: StrategySettings([("head", "closed")]))
        #expect(plan.headLearningRate == 0 && plan.proximalWeight > 0)
        plan.personal = .head
        let refusal = #expect(throws: StrategyError.self) {
            try StrategyCatalog.adapt(&plan, to: "fedprox", settings: StrategySettings([("head", "closed")]))
        }
        #expect("\(refusal!)".contains("must be tuned where every client keeps a head of its own, but is 'closed'"))
        var hidden = initial
        hidden.parameters[Parameters.headHiddenWeight] = Tensor(zeros: [Self.width, Self.width])
        let error = #expect(throws: StrategyError.self) { try Self.make("fedavg", hidden) }
        #expect("\(error!)".contains("'fedavg head=closed' must start from a linear head without a hidden layer"))
    }
}
