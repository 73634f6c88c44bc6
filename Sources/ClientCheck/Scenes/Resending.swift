import Federation
import Text

extension Stage {
    /// Swallows an update, misleads about it, and settles it at last.
    func playResending() throws {
        manners.acknowledges = false
        let id = give()
        try answer(to: id)
        guard try hearAgain(id, within: .seconds(6)) else {
            return book.breach(.resent, "not again within 6 s")
        }
        trying = .foreignSettlement
        say(.ack(.init(client: client!, task: id.task + 500)))
        guard try hearAgain(id, within: .seconds(10)) else {
            return book.breach(.foreignSettlement, "the update did not come again after it")
        }
        book.keep(.foreignSettlement, "the update came again")
        judgePauses(id)
        trying = .rejected
        reject(id, .otherRun)
        guard try hearAgain(id, within: .seconds(16)) else {
            return book.breach(.rejected, "after OTHER_RUN the update did not come again")
        }
        settle(id)
        let other = give()
        try answer(to: other)
        reject(other, .invalid)
        tasks[other]!.settled = (.now, .rejected)
        try listen(for: .seconds(3))
        if !book.isBroken(.rejected) { book.keep(.rejected, "kept after OTHER_RUN, dropped after INVALID") }
    }

    /// Listens until an update has come once more.
    func hearAgain(_ id: UpdateID, within time: Duration) throws -> Bool {
        let count = tasks[id]!.answers.count
        return try listen(for: time) { tasks[id]!.answers.count > count }
    }

    private func reject(_ id: UpdateID, _ code: AggregatorMessage.Reject.Code) {
        say(
            .reject(
                .init(client: client!, run: id.run, task: id.task, code: code, reason: "the checker says so")))
    }

    private func judgePauses(_ id: UpdateID) {
        let times = tasks[id]!.answers.map(\.at)
        let pauses = zip(times, times.dropFirst()).map { $1 - $0 }
        let words = pauses.map { decimal($0 / .seconds(1), 1) }.joined(separator: ", ")
        if pauses[1] < pauses[0] * 1.3, pauses[1] < .seconds(25) {
            book.breach(.resent, "the pauses do not grow: \(words) s")
        } else {
            book.keep(.resent, "again after \(words) s, unchanged")
        }
    }
}
