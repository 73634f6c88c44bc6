import Federation
import PromptAggregation

extension Stage {
    func playStates() throws {
        publish()
        let held = try train().baseVersion
        manners.answersFetches = false
        let id = give(version: run.version + 1)
        try seeFetches(id, held: held)
        trying = .incompleteState
        if model.showsBias {
            try leaveBiasOut(id)
        } else {
            book.skip(.incompleteState, "updates of this model do not show it: they hold no head.bias")
            publish()
            manners.answersFetches = true
            try answer(to: id)
        }
        trying = .newestState
        say(.prompts(prompts(of: run.version - 1)), on: .all)
        try listen(for: .milliseconds(300))
        let base = try train(version: run.version - 1).baseVersion
        if base == run.version {
            if !book.isBroken(.newestState) { book.keep(.newestState, "an older state that came late is left alone") }
        } else {
            book.breach(.newestState, "it trained on version \(base) after it had got \(run.version)")
        }
    }

    /// Nobody publishes the state that a task needs, and nobody answers a fetch.
    private func seeFetches(_ id: UpdateID, held: Version) throws {
        let start = Instant.now
        try listen(for: .seconds(3))
        let fetches: [ClientMessage.Fetch] = heard.compactMap { entry in
            if case .fetch(let fetch) = entry.message, entry.at >= start { fetch } else { nil }
        }
        let beats = heartbeats(since: start + .milliseconds(500))
        if let idle = beats.first(where: { $0.activity != .waiting }) {
            book.breach(.heartbeatTruth, "it is \(idle.activity) while the state of its task is missing")
        }
        // A worker with many clients asks for all of them, and then waits a second for the answer.
        if fetches.count < 2 {
            book.breach(.fetch, "\(fetches.count) came in 3 s, with \(beats.count) heartbeats")
        } else if let wrong = fetches.first(where: { $0.holding != held }) {
            book.breach(.fetch, "it says that it holds \(wrong.holding), and it trained on \(held)")
        } else {
            book.keep(.fetch, "\(fetches.count) in 3 s")
        }
    }

    /// A version that the client never got moves the head's bias, and the next one leaves it out.
    private func leaveBiasOut(_ id: UpdateID) throws {
        var shifted = run.newest
        for place in shifted.parameters[Parameters.headBias]!.values.indices {
            shifted.parameters[Parameters.headBias]!.values[place] += Self.shift
        }
        run.version += 1
        run.states[run.version] = shifted
        publish(leavingOut: [.init(name: Parameters.headBias, since: run.version)])
        try listen(for: .milliseconds(800))
        if tasks[id]!.isAnswered {
            return book.breach(.incompleteState, "it trained without the head.bias that was left out")
        }
        manners.answersFetches = true
        let fetched = try answer(to: id)
        let others = run.newest.parameters.names.filter { $0 != Parameters.prompts }
        publish(leavingOut: others.map { .init(name: $0, since: run.version) })
        let kept = try train()
        if hasShift(fetched), hasShift(kept) {
            book.keep(.incompleteState, "fetched where it was missing, taken over where it was held")
        } else {
            book.breach(.incompleteState, "its head.bias is not that of the state that it names")
        }
    }

    /// The same for all classes, so that no probability changes, and far beyond what training moves.
    private static let shift: Float = 8

    private func hasShift(_ update: ClientMessage.Update) -> Bool {
        let bias = update.parameters[Parameters.headBias]?.values ?? []
        return !bias.isEmpty && bias.reduce(0, +) / Float(bias.count) > Self.shift / 2
    }
}
