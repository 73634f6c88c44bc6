import Federation
import PromptAggregation
import Text

extension Stage {
    func playHeartbeats() throws {
        let start = Instant.now
        try listen(for: .seconds(3))
        let count = count(since: start) { $0.kind == "Heartbeat" }
        if count >= 4, !book.isBroken(.heartbeats) {
            book.keep(.heartbeats, "\(count) in 3 s, one in 0.3 s was asked")
        } else {
            book.breach(.heartbeats, "\(count) in 3 s, one in 0.3 s was asked")
        }
    }

    func playTasks() throws {
        manners.acknowledges = false
        try giveStray(run.nextTask + 500, to: session! ^ 1, rule: .foreignTask, for: .seconds(0.8))
        if !book.isBroken(.foreignTask) { book.keep(.foreignTask, "neither taken nor answered") }
        let id = give()
        for _ in 0..<2 { say(order(id, tasks[id]!)) }
        try answer(to: id)
        judgeTraining(id)
        try seeOutstanding(id)
        trying = .repeatedTask
        try giveStray(id.task - 50, to: session!, rule: .repeatedTask, for: .seconds(1.5))
        if !book.isBroken(.repeatedTask) { book.keep(.repeatedTask, "one update for a task that came four times") }
    }

    /// Gives a task that must be left alone.
    private func giveStray(_ number: UInt64, to session: UInt64, rule: ClientRule, for time: Duration) throws {
        strays.append(Stray(id: UpdateID(run: run.number, task: number), rule: rule))
        say(
            .task(
                .init(
                    client: client!, session: session, number: number, version: run.version, seed: number,
                    plan: model.plan)))
        try listen(for: time)
    }

    private func judgeTraining(_ id: UpdateID) {
        let task = tasks[id]!
        let took = task.answers[0].at - task.givenAt
        guard took > longestSilence else {
            let words = [took, longestSilence].map { decimal($0 / .seconds(1), 1) }
            return book.skip(
                .heartbeatsWhileTraining, "training took \(words[0]) s; expected more than \(words[1]) s to see it")
        }
        if !book.isBroken(.heartbeatsWhileTraining) {
            let count = count(since: task.givenAt) { $0.kind == "Heartbeat" }
            book.keep(.heartbeatsWhileTraining, "\(count) in \(decimal(took / .seconds(1), 1)) s of training")
        }
    }

    /// The update is counted as outstanding until it is acknowledged, and not sent again afterwards.
    private func seeOutstanding(_ id: UpdateID) throws {
        trying = .heartbeatTruth
        say(order(id, tasks[id]!))
        try listen(for: .seconds(1.2))
        let answered = tasks[id]!.answers[0].at
        let before = heartbeats(since: answered + .milliseconds(400))
        settle(id)
        trying = .acknowledged
        try listen(for: .seconds(3))
        let after = heartbeats(since: tasks[id]!.settled!.at + .milliseconds(800))
        if let wrong = before.first(where: { $0.outstanding == 0 }) {
            book.breach(.heartbeatTruth, "outstanding is \(wrong.outstanding) though an update is not settled")
        } else if let wrong = after.first(where: { $0.outstanding > 0 || $0.activity != .idle || $0.task != id.task }) {
            book.breach(
                .heartbeatTruth,
                "\(wrong.activity), task \(wrong.task), \(wrong.outstanding) outstanding; expected idle, \(id.task), 0")
        } else if !before.isEmpty, !after.isEmpty {
            book.keep(.heartbeatTruth, "activity, task and outstanding fit a task and its settlement")
        }
        if !book.isBroken(.acknowledged) { book.keep(.acknowledged, "silence for 3 s after the Ack") }
    }

    func heartbeats(since start: Instant) -> [ClientMessage.Heartbeat] {
        heard.compactMap { entry in
            if case .heartbeat(let heartbeat) = entry.message, entry.at >= start { heartbeat } else { nil }
        }
    }
}
