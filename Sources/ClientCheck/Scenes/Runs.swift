import Federation

extension Stage {
    /// Another run is heard of, begins, and the first one comes back.
    func playRuns() throws {
        manners.acknowledges = false
        publish()
        let id = give()
        try answer(to: id)
        try misleadByOtherRun(id)
        let home = run.number
        trying = .nextRun
        beginRun(precision: .float16, firstTask: 1)
        manners.acknowledges = true
        try join(within: .seconds(20))
        let update = try answer(to: give(), orBreak: .nextRun)
        if run.states[update.baseVersion] != nil { book.keep(.nextRun, "task 1 and version 0 of the next run") }
        trying = .otherRun
        try listen(for: .seconds(2.5))
        let count = tasks[id]!.answers.count
        resume(home)
        try join(within: .seconds(20), orBreak: .otherRun)
        try listen(for: .seconds(8)) { tasks[id]!.answers.count > count }
        if tasks[id]!.answers.count > count {
            if !book.isBroken(.otherRun) { book.keep(.otherRun, "kept for its run, and sent when that came back") }
        } else {
            book.breach(.otherRun, "the update did not come when its run was back")
        }
        settle(id)
        try listen(for: .milliseconds(300))
    }

    private func misleadByOtherRun(_ id: UpdateID) throws {
        let stranger = Origin(run: run.number ^ 0x5555, epoch: 1)
        say(.ack(.init(client: client!, task: id.task)), from: stranger)
        say(beacon(.finished), on: .all, from: stranger)
        let start = Instant.now
        let again = try hearAgain(id, within: .seconds(10))
        if count(since: start, { $0.kind == "Goodbye" }) > 0 {
            throw Setback(rule: .foreignEnd, seen: "the end of another run ended it")
        }
        if again {
            book.keep(.foreignEnd, "its Ack and its end changed nothing")
        } else {
            book.breach(.foreignEnd, "the Ack of another run settled the update")
        }
    }
}
