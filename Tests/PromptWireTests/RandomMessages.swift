import Federation
import PromptAggregation
import PromptWire

/// Messages drawn at random, all within what the codec accepts.
struct RandomMessages {
    var random: SeededRandom

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    mutating func clientMessage() -> ClientMessage {
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
            .hello(
                .init(
                    client: client(), session: random.next(), lastVersion: version(least: -1), sampleCount: count(),
                    encoderDigest: Bool.random(using: &random) ? "" : label(most: 128)))
        case 1: .update(update())
        case 2:
            .heartbeat(
                .init(
                    client: client(), session: random.next(),
                    activity: ClientMessage.Heartbeat.Activity.allCases.randomElement(using: &random)!,
                    lastVersion: version(least: -1), task: random.next(), outstanding: count()))
        default: .goodbye(.init(client: client(), session: random.next()))
        }
    }

    mutating func aggregatorMessage() -> AggregatorMessage {
        switch Int.random(in: 0..<6, using: &random) {
        case 0:
            .welcome(
                .init(
                    client: client(), session: random.next(), version: version(least: -1), acknowledged: ack(),
                    heartbeatMilliseconds: 1 + count() / 2))
        case 1:
            .task(
                .init(
                    client: client(), number: ordinal(), version: version(least: 0), seed: random.next(), plan: plan()))
        case 2: .globalPrompts(globalPrompts())
        case 3: .ack(ack())
        case 4:
            .reject(
                .init(
                    client: client(), session: random.next(), sequence: random.next(),
                    code: AggregatorMessage.Reject.Code.allCases.randomElement(using: &random)!,
                    reason: "ein Grund — " + label(most: 200), retryable: Bool.random(using: &random)))
        default:
            .beacon(
                .init(
                    phase: Bool.random(using: &random) ? .running : .finished, version: version(least: -1),
                    updates: count(), lateUpdates: count(), clientsAlive: count(), inFlight: count(),
                    buffered: count(), pool: count(), metrics: metrics()))
        }
    }

    mutating func globalPrompts() -> AggregatorMessage.GlobalPrompts {
        let (parameters, promptIDs) = parameters()
        return .init(
            version: version(least: 0), state: PromptState(parameters: parameters, promptIDs: promptIDs))
    }

    mutating func update() -> ClientMessage.Update {
        let (parameters, promptIDs) = parameters()
        return .init(
            client: client(), session: random.next(), sequence: ordinal(), task: ordinal(),
            baseVersion: version(least: 0), sampleCount: count(), parameters: parameters, promptIDs: promptIDs,
            metrics: metrics())
    }

    mutating func client() -> ClientID { ClientID(label(most: 64)) }

    mutating func version(least: Int) -> Version {
        Bool.random(using: &random) ? Int.random(in: least...20, using: &random) : max(least, count())
    }

    /// Small or large, up to the codec's limit.
    mutating func count() -> Int { Int(random.next() >> UInt64.random(in: 24...63, using: &random)) }

    private mutating func ordinal() -> UInt64 { max(1, random.next() >> UInt64.random(in: 0...63, using: &random)) }

    private mutating func label(most: Int) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
        return String(
            (0..<Int.random(in: 1...most, using: &random)).map { _ in letters.randomElement(using: &random)! })
    }

    private mutating func ack() -> AggregatorMessage.Ack {
        let contiguous = UInt64.random(in: 0...1_000, using: &random)
        var ahead: [UInt64] = []
        for _ in 0..<Int.random(in: 0...5, using: &random) {
            ahead.append((ahead.last ?? contiguous + 1) + UInt64.random(in: 1...9, using: &random))
        }
        return .init(client: client(), session: random.next(), contiguous: contiguous, ahead: ahead)
    }

    private mutating func plan() -> TrainingPlan {
        var plan = TrainingPlan()
        plan.epochs = 1 + count() / 2
        plan.maximumSteps = count()
        plan.batchSize = 1 + count() / 2
        plan.optimizer = TrainingPlan.Optimizer.allCases.randomElement(using: &random)!
        plan.promptLearningRate = random.nextUniform()
        plan.headLearningRate = random.nextUniform()
        plan.momentum = random.nextUniform()
        plan.secondMomentDecay = random.nextUniform()
        plan.weightDecay = random.nextUniform()
        plan.gradientClip = random.nextUniform()
        plan.promptsPerBatch = count()
        plan.similarityWeight = random.nextUniform()
        plan.proximalWeight = random.nextUniform()
        plan.logitAdjustment = random.nextNormal()
        plan.classBalance = random.nextUniform()
        plan.headDropout = random.nextUniform()
        plan.personal = TrainingPlan.Personal.allCases.randomElement(using: &random)!
        plan.controlVariates = Bool.random(using: &random)
        plan.classMeans = Bool.random(using: &random)
        plan.generatorRate = random.nextUniform()
        return plan
    }

    private mutating func metrics() -> [Metric] {
        var names: [String] = []
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            let name = label(most: 20)
            if !names.contains(name) { names.append(name) }
        }
        return names.sorted().map { Metric(name: $0, value: random.nextNormal()) }
    }

    private mutating func parameters() -> (Parameters, [PromptID]) {
        let rows = Int.random(in: 0...6, using: &random)
        let width = Int.random(in: 1...9, using: &random)
        var parameters = Parameters([(Parameters.prompts, tensor([rows, width]))])
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            let rank = Int.random(in: 0...4, using: &random)
            parameters["other." + label(most: 30)] = tensor(
                (0..<rank).map { _ in Int.random(in: 0...4, using: &random) })
        }
        var promptIDs: [PromptID] = []
        while promptIDs.count < rows {
            let promptID = random.next() >> UInt64.random(in: 0...40, using: &random)
            if !promptIDs.contains(promptID) { promptIDs.append(promptID) }
        }
        return (parameters, promptIDs)
    }

    private mutating func tensor(_ shape: [Int]) -> Tensor {
        Tensor(shape: shape, values: (0..<shape.reduce(1, *)).map { _ in Float(random.nextNormal()) })
    }
}
