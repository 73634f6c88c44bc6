import PromptAggregation
import PromptTuning
import Testing

/// What clients keep between tasks: SCAFFOLD's control variates, heads, everything.
@Suite struct PersonalTensorsTests {
    private let learner: PromptLearner
    private let dataset: TuningDataset
    private let initial: PromptState
    /// The initial state with control variates of zero.
    private let start: PromptState

    init() throws {
        learner = try PromptLearner(encoder: .bundled(), threads: 2)
        dataset = try TuningDataset(PromptLearnerTests.colours(8, seed: 3))
        var state = learner.initialState(pool: 5, classes: 3, keyProjection: true, seed: 1)
        var random = SeededRandom(seed: 2)
        state.parameters[Parameters.headWeight] = Self.noise([3, 192], &random)
        initial = state
        start = try StrategyCatalog.make(name: "scaffold", initial: state, seed: 1).state
    }

    private static func noise(_ shape: [Int], _ random: inout SeededRandom) -> Tensor {
        Tensor(shape: shape, values: (0..<shape.reduce(1, *)).map { _ in Float(0.02 * random.nextNormal()) })
    }

    /// One step on all images along two of the pool's prompts.
    private func plan(_ change: (inout TrainingPlan) -> Void = { _ in }) -> TrainingPlan {
        var plan = TrainingPlan()
        plan.batchSize = 8
        plan.promptsPerBatch = 2
        plan.optimizer = .sgd
        plan.momentum = 0
        plan.promptLearningRate = 0.05
        plan.headLearningRate = 0.1
        plan.controlVariates = true
        change(&plan)
        return plan
    }

    private func rate(_ name: String) -> Float { name.hasPrefix("head.") ? 0.1 : 0.05 }

    private func tune(_ state: PromptState, having personal: Parameters = Parameters(), _ plan: TrainingPlan) throws
        -> TuningResult
    { try #require(try learner.tune(state, personal: personal, on: dataset, plan: plan, seed: 4)) }

    /// Random c and c_i for every trained tensor.
    private func controls() -> (state: PromptState, own: Parameters) {
        var (state, own) = (start, Parameters())
        var random = SeededRandom(seed: 6)
        for entry in initial.parameters.entries {
            let name = Parameters.control(of: entry.name)
            state.parameters[name] = Self.noise(entry.tensor.shape, &random)
            own[name] = Self.noise(entry.tensor.shape, &random)
        }
        return (state, own)
    }

    /// The largest distance of any two values with the same index.
    private func distance(_ a: [Float], _ b: [Float]) -> Float {
        a.count == b.count ? zip(a, b).map { abs($0 - $1) }.max() ?? 0 : .infinity
    }

    @Test func withoutControlVariatesAStepIsFedAvgs() throws {
        let plain = try tune(initial, plan { $0.controlVariates = false })
        let corrected = try tune(start, plan())
        #expect(plain.personal == Parameters())
        #expect(corrected.promptIDs == initial.promptIDs)
        #expect(start.replacing(with: corrected).prompts == initial.replacing(with: plain).prompts)
        for name in [Parameters.headWeight, Parameters.headBias, Parameters.keyWeight] {
            #expect(corrected.parameters[name] == plain.parameters[name])
        }
    }

    @Test func aStepFollowsTheCorrectedGradientAndTheControlBecomesTheGradient() throws {
        let (state, own) = controls()
        let result = try tune(state, having: own, plan())
        let gradients = try learner.gradients(initial, on: dataset, images: Array(0..<8), plan: plan()).gradients
        for entry in initial.parameters.entries {
            let control = Parameters.control(of: entry.name)
            let gradient = gradients[entry.name]!
            let (c, mine) = (state.parameters[control]!.values, own[control]!.values)
            let steps = gradient.indices.map { gradient[$0] + c[$0] - mine[$0] }
            let moved = zip(entry.tensor.values, steps).map { $0 - rate(entry.name) * $1 }
            #expect(distance(result.parameters[entry.name]!.values, moved) < 1e-5, "\(entry.name)")
            #expect(distance(result.parameters[control]!.values, steps) < 1e-4, "\(entry.name)")
            #expect(distance(result.personal[control]!.values, gradient) < 1e-4, "\(entry.name)")
        }
    }

    @Test func overSeveralStepsTheControlIsTheMeanGradientOfOptionTwo() throws {
        let (state, own) = controls()
        let result = try tune(
            state, having: own,
            plan {
                $0.batchSize = 2
                $0.maximumSteps = 3
            })
        #expect(result.steps == 3)
        for entry in initial.parameters.entries {
            let control = Parameters.control(of: entry.name)
            let (c, mine) = (state.parameters[control]!.values, own[control]!.values)
            let steps = zip(entry.tensor.values, result.parameters[entry.name]!.values).map {
                ($0 - $1) / (3 * rate(entry.name))
            }
            #expect(distance(result.parameters[control]!.values, steps) < 1e-5)
            #expect(
                distance(result.personal[control]!.values, steps.indices.map { mine[$0] - c[$0] + steps[$0] }) < 1e-5)
        }
    }

    @Test func aPersonalHeadIsKeptAndNotSent() throws {
        let plan = plan {
            $0.controlVariates = false
            $0.personal = .head
        }
        let first = try tune(initial, plan)
        #expect(first.parameters.names == [Parameters.keyWeight, Parameters.prompts])
        #expect(first.personal.names == [Parameters.headBias, Parameters.headWeight])
        let whole = try tune(initial, self.plan { $0.controlVariates = false })
        #expect(first.personal[Parameters.headWeight] == whole.parameters[Parameters.headWeight])
        // The next task continues from the client's head on whatever prompts are published then.
        var mixed = initial
        for entry in first.personal.entries { mixed.parameters[entry.name] = entry.tensor }
        let second = try tune(initial, having: first.personal, plan)
        #expect(try second.parameters == tune(mixed, plan).parameters)
        #expect(second.personal != first.personal)
        let seen = try learner.evaluate(initial, personal: first.personal, on: dataset, plan: plan)
        #expect(try seen == learner.evaluate(mixed, on: dataset, plan: plan))
        #expect(try seen != learner.evaluate(initial, on: dataset, plan: plan))
    }

    @Test func inIsolationTasksFollowOneAnotherAsIfTheStateWereTheClients() throws {
        let plan = plan {
            $0.controlVariates = false
            $0.personal = .everything
        }
        let first = try tune(initial, plan)
        #expect(first.parameters == Parameters([(Parameters.prompts, Tensor(zeros: [0, 192]))]))
        #expect(first.promptIDs.isEmpty)
        #expect(first.personal.names == initial.parameters.names)
        let second = try tune(initial, having: first.personal, plan)
        let own = PromptState(parameters: first.personal, promptIDs: initial.promptIDs)
        #expect(try second.personal == tune(own, plan).personal)
    }

    @Test func badInputIsRefused() throws {
        let narrow = Parameters([(Parameters.headBias, Tensor(zeros: [2]))])
        #expect(throws: TuningError.parameterShape(Parameters.headBias, expected: "[3]", found: [2])) {
            try tune(start, having: narrow, plan { $0.personal = .head })
        }
        #expect(throws: TuningError.missingParameter("control.prompts")) { try tune(initial, plan()) }
        let control = Parameters([("control.head.bias", Tensor(zeros: [2]))])
        #expect(throws: TuningError.parameterShape("control.head.bias", expected: "[3]", found: [2])) {
            try tune(start, having: control, plan())
        }
        #expect(throws: TuningError.plan(field: "optimizer", expected: "sgd with control variates", found: "adam")) {
            try tune(start, plan { $0.optimizer = .adam })
        }
        #expect(throws: TuningError.plan(field: "momentum", expected: "0 with control variates", found: "0.5")) {
            try tune(start, plan { $0.momentum = 0.5 })
        }
    }

    @Test func theMeanOfEvaluationsWeighsEachAlike() {
        let mean = Evaluation(meanOf: [
            Evaluation(classCounts: [4, 6], classHits: [4, 0], loss: 1),
            Evaluation(classCounts: [4, 6], classHits: [0, 3], loss: 3),
        ])
        #expect(mean.accuracy == 0.35)
        #expect(mean.classAccuracy == [0.5, 0.25])
        #expect(mean.loss == 2)
    }
}
