import Federation

extension Stage {
    /// The aggregator dies with an update on its way, and comes back as the next epoch.
    func playRestart() throws {
        manners.acknowledges = false
        let id = give()
        try answer(to: id)
        let start = Instant.now
        try restart(away: .milliseconds(500))
        guard try listen(for: .seconds(15), until: { count(since: start) { $0.kind == "Hello" } > 0 }) else {
            throw Setback(rule: .nextEpoch, seen: "no Hello within 15 s")
        }
        try join(within: .seconds(5), orBreak: .nextEpoch)
        guard try hearAgain(id, within: .seconds(3)) else {
            throw Setback(rule: .nextEpoch, seen: "what was kept did not follow the Welcome")
        }
        book.keep(.nextEpoch, "Hello, then the update again")
        try misleadByEarlierEpoch(id)
        settle(id)
        try listen(for: .milliseconds(300))
    }

    private func misleadByEarlierEpoch(_ id: UpdateID) throws {
        trying = .earlierEpoch
        let start = Instant.now
        let earlier = Origin(run: run.number, epoch: run.epoch - 1)
        say(.ack(.init(client: client!, task: id.task)), from: earlier)
        say(.sayHello(.init(client: client!, session: session!)), from: earlier)
        say(beacon(.running), on: .all, from: earlier)
        let again = try hearAgain(id, within: .seconds(10))
        if count(since: start, { $0.kind == "Hello" }) > 0 {
            book.breach(.earlierEpoch, "a Hello followed them")
        } else if again {
            book.keep(.earlierEpoch, "its Ack, SayHello and Beacon changed nothing")
        } else {
            book.breach(.earlierEpoch, "its Ack settled the update")
        }
    }
}
