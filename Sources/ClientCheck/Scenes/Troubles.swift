import Federation
import PromptAggregation
import PromptWire

extension Stage {
    /// Prompts of another width come to nothing with most models.
    func playFailure() throws {
        let whole = run.newest
        var parameters = whole.parameters
        parameters[Parameters.prompts] = Tensor(zeros: [whole.promptIDs.count, whole.width + 1])
        publish(PromptState(parameters: parameters, promptIDs: whole.promptIDs))
        let id = give()
        try listen(for: settings.patience) { tasks[id]!.isAnswered }
        if !tasks[id]!.answers.isEmpty {
            return book.skip(.failure, "the client trains even on prompts of another width")
        }
        guard !tasks[id]!.failures.isEmpty else {
            return book.breach(.failure, "neither Update nor Failure for prompts of another width")
        }
        let count = tasks[id]!.failures.count
        try listen(for: .seconds(2))
        let again = tasks[id]!.failures.count - count
        publish(whole)
        let next = give()
        try answer(to: next)
        try listen(for: .seconds(1))
        let late = tasks[id]!.failures.count { $0.at > tasks[next]!.answers[0].at + .milliseconds(300) }
        if again < 3 {
            book.breach(.failure, "\(again) more came in 2 s, one with each heartbeat of 0.3 s was due")
        } else if late > 0 {
            book.breach(.failure, "it is repeated after another task")
        } else {
            book.keep(.failure, "\(tasks[id]!.failures[0].reason.prefix(60))")
        }
    }

    func playEvaluation() throws {
        publish()
        try train()
        let (start, version, heldOut) = (Instant.now, run.version, hello?.heldOutCount ?? 0)
        func answers() -> [ClientMessage.Evaluation] {
            heard.compactMap { entry in
                if case .evaluation(let it) = entry.message, entry.at >= start { it } else { nil }
            }
        }
        say(.evaluate(.init(version: version)), on: .all)
        guard heldOut > 0 else {
            try listen(for: .seconds(1.5))
            return answers().isEmpty
                ? book.keep(.evaluation, "it holds nothing out, and leaves it alone")
                : book.breach(.evaluation, "it evaluated, and holds nothing out")
        }
        try listen(for: settings.patience) { !answers().isEmpty }
        guard let evaluation = answers().first else {
            return book.breach(.evaluation, "no Evaluation, though it holds \(heldOut) samples out")
        }
        let total = evaluation.total.reduce(0, +)
        if evaluation.version < version {
            book.breach(.evaluation, "expected version \(version) or a newer one, found \(evaluation.version)")
        } else if total != heldOut {
            book.breach(.evaluation, "expected \(heldOut) samples in all, found \(total)")
        } else if zip(evaluation.total, evaluation.correct).contains(where: { $0 < $1 }) {
            book.breach(.evaluation, "more samples of a class are right than there are")
        } else {
            book.keep(.evaluation, "version \(evaluation.version), \(total) samples")
        }
    }

    /// What is malformed is dropped, and what is unknown is passed over.
    func playNoise() throws {
        let start = Instant.now
        send(frames: [Topic.all.bytes])
        send(frames: [Topic.all.bytes, Array("no message".utf8)])
        send(frames: [Topic.all.bytes, [], AggregatorCodec.encode(beacon(.finished), from: origin)])
        var later = AggregatorCodec.encode(beacon(.finished), from: origin)
        // Field 1, the protocol's version, comes first.
        later[1] = UInt8(protocolVersion + 1)
        send(later, on: .all)
        say(.malformed(.init(client: client!, reason: "the checker says so")))
        try listen(for: .seconds(1.5))
        if count(since: start, { $0.kind == "Goodbye" }) > 0 {
            throw Setback(rule: .noise, seen: "a message of protocol 3, or of three frames, ended the client")
        }
        let id = UpdateID(run: run.number, task: run.nextTask)
        run.nextTask += 1
        tasks[id] = StagedTask(session: session!, version: run.version, givenAt: .now, isShown: true)
        current = id
        send(AggregatorCodec.encode(order(id, tasks[id]!), from: origin) + Self.unknownField)
        try answer(to: id, orBreak: .noise)
        book.keep(.noise, "six strange messages changed nothing")
    }

    /// Field 127, a number.
    private static let unknownField: [UInt8] = [0xF8, 0x07, 0x01]
}
