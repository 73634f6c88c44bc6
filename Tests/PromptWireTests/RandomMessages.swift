import Federation
import PromptAggregation
import PromptWire

/// Messages drawn at random, all within what the codec accepts.
struct RandomMessages {
    var random: SeededRandom

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    mutating func clientMessage() -> ClientMessage {
        switch Int.random(in: 0..<8, using: &random) {
        case 0:
            .hello(
                .init(
                    client: client(), session: random.next(), sampleCount: count(), model: model(),
                    heldOutCount: count()))
        case 6: .evaluation(evaluation())
        case 1: .update(update())
        case 2: .heartbeat(heartbeat())
        case 5: .presence(.init(heartbeats: (0..<Int.random(in: 1...5, using: &random)).map { _ in heartbeat() }))
        case 3:
            .failure(
                .init(client: client(), session: random.next(), task: ordinal(), reason: "warum — " + label(most: 200)))
        case 4: .fetch(.init(client: client(), session: random.next(), holding: version(least: -1)))
        default: .goodbye(.init(client: client(), session: random.next()))
        }
    }

    mutating func aggregatorMessage() -> AggregatorMessage {
        switch Int.random(in: 0..<10, using: &random) {
        case 0:
            .welcome(
                .init(
                    client: client(), session: random.next(), version: version(least: -1),
                    heartbeatMilliseconds: 1 + count() / 2, precision: precision(),
                    modelDigest: Bool.random(using: &random) ? "" : label(most: 64)))
        case 1:
            .task(
                .init(
                    client: client(), session: random.next(), number: ordinal(), version: version(least: 0),
                    seed: random.next(), plan: plan()))
        case 2: .prompts(prompts())
        case 3: .ack(.init(client: client(), task: ordinal()))
        case 4:
            .reject(
                .init(
                    client: client(), run: random.next(), task: ordinal(),
                    code: AggregatorMessage.Reject.Code.allCases.randomElement(using: &random)!,
                    reason: "ein Grund — " + label(most: 200)))
        case 5:
            .refuse(
                .init(
                    client: client(), session: random.next(),
                    code: AggregatorMessage.Refuse.Code.allCases.randomElement(using: &random)!,
                    reason: "ein Grund — " + label(most: 200)))
        case 6: .sayHello(.init(client: client(), session: random.next()))
        case 8: .evaluate(.init(version: version(least: 0)))
        case 7: .malformed(.init(client: client(), reason: label(most: 200)))
        default:
            .beacon(
                .init(
                    phase: Bool.random(using: &random) ? .running : .finished, version: version(least: -1),
                    updates: count(), lateUpdates: count(), clientsAlive: count(), inFlight: count(),
                    buffered: count(), pool: count(), metrics: metrics(),
                    evaluate: Bool.random(using: &random) ? .init(version: version(least: 0)) : nil))
        }
    }

    mutating func globalPrompts() -> AggregatorMessage.GlobalPrompts {
        let (parameters, promptIDs) = parameters(.float32)
        return .init(
            version: version(least: 0), state: PromptState(parameters: parameters, promptIDs: promptIDs))
    }

    mutating func update() -> ClientMessage.Update {
        let precision = precision()
        let (parameters, promptIDs) = parameters(precision)
        return .init(
            client: client(), session: random.next(), run: random.next(), task: ordinal(),
            baseVersion: version(least: 0), sampleCount: count(), parameters: parameters, promptIDs: promptIDs,
            metrics: metrics(), precision: precision)
    }

    mutating func evaluation() -> ClientMessage.Evaluation {
        let classes = Int.random(in: 0...9, using: &random)
        return .init(
            client: client(), session: random.next(), version: version(least: 0),
            loss: Double.random(in: 0...9, using: &random), total: (0..<classes).map { _ in count() },
            correct: (0..<classes).map { _ in count() })
    }

    mutating func heartbeat() -> ClientMessage.Heartbeat {
        .init(
            client: client(), session: random.next(),
            activity: ClientMessage.Heartbeat.Activity.allCases.randomElement(using: &random)!, task: random.next(),
            outstanding: count())
    }

    mutating func prompts() -> AggregatorMessage.Prompts {
        let precision = precision()
        let (parameters, promptIDs) = parameters(precision)
        let version = 1 + version(least: 0) / 2
        let unchanged = (0..<Int.random(in: 0...5, using: &random)).map { index in
            AggregatorMessage.Prompts.Unchanged(
                name: "unchanged.\(index)", since: Int.random(in: 0..<version, using: &random))
        }
        return .init(
            version: version, changed: PromptState(parameters: parameters, promptIDs: promptIDs),
            unchanged: unchanged, precision: precision)
    }

    mutating func precision() -> Precision { Bool.random(using: &random) ? .float32 : .float16 }

    mutating func model() -> ModelSpecification {
        if Bool.random(using: &random) { return ModelSpecification() }
        let fields = (0..<Int.random(in: 0...8, using: &random)).map {
            ModelSpecification.Field("classes[\($0)]", "Käse " + label(most: 100))
        }
        return ModelSpecification(fields: fields, digest: label(most: 64))
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
        plan.firstBlock = count()
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

    private mutating func parameters(_ precision: Precision) -> (Parameters, [PromptID]) {
        let rows = Int.random(in: 0...6, using: &random)
        let width = Int.random(in: 1...9, using: &random)
        var parameters = Parameters([
            (Parameters.prompts, tensor([rows, width], precision)), (Parameters.featureMean, tensor([3], .float32)),
        ])
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            let rank = Int.random(in: 0...4, using: &random)
            parameters["other." + label(most: 30)] = tensor(
                (0..<rank).map { _ in Int.random(in: 0...4, using: &random) }, precision)
        }
        var promptIDs: [PromptID] = []
        while promptIDs.count < rows {
            let promptID = random.next() >> UInt64.random(in: 0...40, using: &random)
            if !promptIDs.contains(promptID) { promptIDs.append(promptID) }
        }
        return (parameters, promptIDs)
    }

    private mutating func tensor(_ shape: [Int], _ precision: Precision) -> Tensor {
        Tensor(
            shape: shape,
            values: (0..<shape.reduce(1, *)).map { _ in precision.rounded(Float(random.nextNormal())) })
    }
}
