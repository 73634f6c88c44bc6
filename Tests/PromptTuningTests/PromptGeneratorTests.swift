import PromptAggregation
import PromptTuning
import Testing

/// The prompts that pFedPG's clients make for themselves.
@Suite struct PromptGeneratorTests {
    private let learner: PromptLearner
    private let state: PromptState

    init() throws {
        learner = try PromptLearner(encoder: .bundled(), threads: 2)
        let initial = learner.initialState(pool: 4, classes: 3, keyProjection: false, seed: 1)
        state = try StrategyCatalog.make(name: "pfedpg", initial: initial, seed: 1).state
    }

    private static func matrix(_ rows: Int, _ columns: Int, _ random: inout SeededRandom, _ scale: Double = 1) -> Matrix
    {
        Matrix(
            rows: rows, columns: columns, values: (0..<rows * columns).map { _ in scale * random.nextNormal() })
    }

    private static func generator(_ random: inout SeededRandom) -> PromptGenerator {
        PromptGenerator(
            basis: matrix(4, 6, &random), query: matrix(6, 3, &random), key: matrix(6, 3, &random),
            value: matrix(6, 3, &random), output: matrix(3, 6, &random))
    }

    /// The parts of a generator, as `pullback` names them.
    private static func with(_ generator: PromptGenerator, _ name: String, _ part: Matrix) -> PromptGenerator {
        PromptGenerator(
            basis: name == Parameters.prompts ? part : generator.basis,
            query: name == Parameters.generatorQuery ? part : generator.query,
            key: name == Parameters.generatorKey ? part : generator.key,
            value: name == Parameters.generatorValue ? part : generator.value,
            output: name == Parameters.generatorOutput ? part : generator.output)
    }

    private static func part(_ generator: PromptGenerator, _ descriptor: Matrix, _ name: String) -> Matrix {
        switch name {
        case Parameters.prompts: generator.basis
        case Parameters.generatorQuery: generator.query
        case Parameters.generatorKey: generator.key
        case Parameters.generatorValue: generator.value
        case Parameters.generatorOutput: generator.output
        default: descriptor
        }
    }

    @Test func addsAttentionOverTheBasisRowByRow() {
        // One column of everything: A = softmax of d_i q k p_j, P_i = p_i + o v Σ_j A_ij p_j.
        let generator = PromptGenerator(
            basis: Matrix(rows: 2, columns: 1, values: [1, 3]), query: Matrix(rows: 1, columns: 1, values: [0.5]),
            key: Matrix(rows: 1, columns: 1, values: [2]), value: Matrix(rows: 1, columns: 1, values: [0.1]),
            output: Matrix(rows: 1, columns: 1, values: [5]))
        // Scores of the first row 0, 0; of the second d p_j, where d = ln(3) / 2: 3^(p_j / 2), as 1 to 3.
        let prompts = generator.prompts(Matrix(rows: 2, columns: 1, values: [0, 0.549_306_144_334_054_8]))
        #expect(abs(prompts.values[0] - (1 + 0.5 * 2)) < 1e-12)
        #expect(abs(prompts.values[1] - (3 + 0.5 * (0.25 * 1 + 0.75 * 3))) < 1e-12)
    }

    @Test func everyPartGoesAlongItsDerivative() {
        var random = SeededRandom(seed: 3)
        let generator = Self.generator(&random)
        let descriptor = Self.matrix(4, 6, &random)
        let moved = Self.matrix(4, 6, &random)
        func along(_ generator: PromptGenerator, _ descriptor: Matrix) -> Double {
            zip(generator.prompts(descriptor).values, moved.values).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let gradients = generator.pullback(of: moved, descriptor)
        #expect(gradients.count == 6)
        for (name, gradient) in gradients {
            let part = Self.part(generator, descriptor, name)
            for place in part.values.indices {
                let sides = [1e-5, -1e-5].map { step in
                    var changed = part
                    changed.values[place] += step
                    return along(
                        Self.with(generator, name, changed), name == Parameters.descriptor ? changed : descriptor)
                }
                let slope = (sides[0] - sides[1]) / 2e-5
                #expect(abs(gradient.values[place] - slope) < 1e-6 * max(1, abs(slope)), "\(name) \(place)")
            }
        }
    }

    /// Server and clients of the catalog's strategy, with tuning that goes half of the way to a client's own target.
    @Test func clientsComeToPromptsOfTheirOwn() throws {
        var random = SeededRandom(seed: 1)
        let pool = Self.matrix(6, 8, &random, 0.1)
        var strategy = try StrategyCatalog.make(
            name: "pfedpg", settings: StrategySettings([("attention", "8")]),
            initial: PromptState(
                parameters: Parameters([(Parameters.prompts, pool.tensor)]), promptIDs: Array(0..<6)), seed: 1)
        let targets = (0..<2).map { _ in pool.plus(Self.matrix(6, 8, &random, 0.1)) }
        var descriptors = (0..<2).map { _ in Self.matrix(6, 8, &random) }
        func distance(_ a: Matrix, _ b: Matrix) -> Double { a.minus(b).values.reduce(0) { $0 + $1 * $1 } }
        let mean = targets[0].plus(targets[1]).scaled(by: 0.5)
        let common = targets.reduce(0) { $0 + distance($1, mean) }
        var error = 0.0
        for round in 0..<400 {
            let base = strategy.state
            let generator = try #require(try PromptGenerator(base))
            var contributions: [Contribution] = []
            error = 0
            for client in 0..<2 {
                let prompts = generator.prompts(descriptors[client])
                error += distance(prompts, targets[client])
                let moved = targets[client].minus(prompts).scaled(by: 0.5)
                var stepped = Parameters(generator.stepped(by: moved, descriptors[client], rate: 1))
                descriptors[client] = Matrix(try #require(stepped[Parameters.descriptor]))
                stepped[Parameters.descriptor] = nil
                contributions.append(
                    Contribution(
                        client: ClientID("c\(client)"), session: 1, sequence: UInt64(round), parameters: stepped,
                        promptIDs: base.promptIDs, base: base, sampleCount: 1, staleness: 0, stalenessWeight: 1))
            }
            #expect(strategy.aggregate(contributions).weights == [0.5, 0.5])
        }
        // No prompts that all clients share could come below `common`.
        #expect(error < 0.7 * common)
    }

    // MARK: Through the learner

    private func tune(
        _ state: PromptState, _ personal: Parameters = Parameters(), seed: UInt64,
        _ change: (inout TrainingPlan) -> Void = { _ in }
    ) throws -> TuningResult {
        var plan = TrainingPlan()
        plan.batchSize = 8
        plan.promptLearningRate = 0.01
        plan.promptsPerBatch = 0
        try StrategyCatalog.adapt(&plan, to: "pfedpg", settings: StrategySettings([("rate", "0.5")]))
        change(&plan)
        return try #require(
            try learner.tune(
                state, personal: personal, on: TuningDataset(PromptLearnerTests.colours(8, seed: 3)), plan: plan,
                seed: seed))
    }

    @Test func anUpdateStepsTheGeneratorAlongWhatTuningMadeOfTheClientsPrompts() throws {
        // The same tuning from the same prompts, as if they were published.
        let first = try tune(state, seed: 4)
        let descriptor = try #require(first.personal[Parameters.descriptor])
        #expect(first.personal.names == [Parameters.descriptor, Parameters.headBias, Parameters.headWeight])
        #expect(first.parameters.names == state.parameters.names.filter { !$0.hasPrefix("head.") })
        #expect(first.promptIDs == state.promptIDs)

        let generator = try #require(try PromptGenerator(state))
        let start = generator.prompts(Matrix(descriptor))
        var plain = PromptState(
            parameters: Parameters(
                state.parameters.entries.filter { !$0.name.hasPrefix("generator.") }.map { ($0.name, $0.tensor) }),
            promptIDs: state.promptIDs)
        plain.parameters[Parameters.prompts] = start.tensor
        for head in [Parameters.headBias, Parameters.headWeight] {
            plain.parameters[head] = first.personal[head]
        }
        let tuned = try tune(plain, seed: 5)
        let second = try tune(state, first.personal, seed: 5)
        #expect(tuned.meanLoss == second.meanLoss)
        #expect(tuned.personal[Parameters.headWeight] == second.personal[Parameters.headWeight])
        let moved = Matrix(tuned.parameters[Parameters.prompts]!).minus(Matrix(start.tensor))
        for (name, tensor) in generator.stepped(by: moved, Matrix(descriptor), rate: 0.5) {
            let found = second.parameters[name] ?? second.personal[name]
            #expect(found == tensor, "\(name)")
            #expect(tensor != state.parameters[name], "\(name)")
        }
    }

    @Test func clientsDifferByTheirDescriptorsAndSeeTheirOwnPrompts() throws {
        let plan = TrainingPlan()
        let dataset = try TuningDataset(PromptLearnerTests.colours(8, seed: 3))
        let clients = try [UInt64(1), 2].map { try tune(state, seed: $0).personal }
        #expect(clients[0][Parameters.descriptor] != clients[1][Parameters.descriptor])
        // A head that is published instead of kept, so that only the prompts differ.
        var shared = state
        var random = SeededRandom(seed: 2)
        shared.parameters[Parameters.headWeight] = Self.matrix(3, 192, &random, 0.1).tensor
        let evaluations = try clients.map {
            try learner.evaluate(shared, personal: $0, on: dataset, plan: plan).loss
        }
        let published = try learner.evaluate(shared, on: dataset, plan: plan).loss
        #expect(evaluations[0] != evaluations[1] && !evaluations.contains(published))
    }

    @Test func badInputIsRefused() throws {
        let small = Parameters([(Parameters.descriptor, Tensor(zeros: [3, 192]))])
        #expect(
            throws: TuningError.parameterShape(Parameters.descriptor, expected: "[4, 192]", found: [3, 192])
        ) { try tune(state, small, seed: 1) }
        var lacking = state
        lacking.parameters[Parameters.generatorValue] = nil
        #expect(throws: TuningError.missingParameter(Parameters.generatorValue)) { try tune(lacking, seed: 1) }
        var narrow = state
        narrow.parameters[Parameters.generatorOutput] = Tensor(zeros: [32, 191])
        #expect(
            throws: TuningError.parameterShape(Parameters.generatorOutput, expected: "[32, 192]", found: [32, 191])
        ) { try tune(narrow, seed: 1) }
        #expect(
            throws: TuningError.plan(
                field: "personal", expected: "nothing or head with a prompt generator", found: "everything")
        ) { try tune(state, seed: 1) { $0.personal = .everything } }
        #expect(
            throws: TuningError.plan(field: "generatorRate", expected: "finite, at least 0", found: "-1.0")
        ) { try tune(state, seed: 1) { $0.generatorRate = -1 } }
    }
}
