import Federation

extension Stage {
    /// The client's process dies with an update that nobody acknowledged.
    func playKill() throws {
        manners.acknowledges = false
        let id = give()
        try answer(to: id)
        let (before, count) = (session!, tasks[id]!.answers.count)
        crashClient()
        try startClient()
        try join(within: settings.patience)
        if session == before { book.breach(.helloSame, "the next process has the session of the one before") }
        if try listen(for: .seconds(8), until: { tasks[id]!.answers.count > count }) {
            if !book.isBroken(.restarted) { book.keep(.restarted, "sent again by the next process") }
        } else {
            book.breach(.restarted, "the next process did not send it")
        }
        settle(id)
        try listen(for: .milliseconds(300))
    }

    func playFencing() throws {
        func refuse(_ session: UInt64) {
            say(
                .refuse(
                    .init(
                        client: client!, session: session, code: .fenced, reason: "the checker says so")))
        }
        var start = Instant.now
        refuse(session! ^ 1)
        try listen(for: .seconds(1.5))
        guard count(since: start, { $0.kind == "Heartbeat" }) >= 2 else {
            throw Setback(rule: .refused, seen: "one for another session ended it")
        }
        mayEnd = true
        refuse(session!)
        try listen(for: .seconds(1))
        start = .now
        try listen(for: .seconds(2))
        // What the session made still counts.
        if let sign = heard.first(where: { $0.at >= start && !$0.message.isUpdate }) {
            book.breach(.refused, "a \(sign.message.kind) came after it")
        } else {
            book.keep(.refused, "silence after it")
        }
        crashClient()
    }

    func playLeaving() throws {
        try train()
        mayEnd = true
        let start = Instant.now
        process?.interrupt()
        func hasLeft() -> Bool { count(since: start) { $0.kind == "Goodbye" } > 0 }
        try listen(for: .seconds(20)) { hasLeft() || process?.isRunning != true }
        // What a process sent last may come after its end.
        if try listen(for: .seconds(1), until: hasLeft) {
            book.keep(.goodbye, "it follows an interrupt")
        } else {
            book.breach(.goodbye, "none came after an interrupt")
        }
        try listen(for: .seconds(5)) { process?.isRunning != true }
        crashClient()
    }

    /// The run ends with an update that nobody acknowledged, and which nobody needs any more.
    func playEnd() throws {
        manners.acknowledges = false
        let id = give()
        try answer(to: id)
        mayEnd = true
        manners.phase = .finished
        guard try listen(for: .seconds(15), until: { heard.last?.message.kind == "Goodbye" }) else {
            return book.breach(.end, "no Goodbye within 15 s")
        }
        let start = Instant.now
        try listen(for: .seconds(2))
        if let sign = heard.first(where: { $0.at > start }) {
            return book.breach(.end, "a \(sign.message.kind) came after the Goodbye")
        }
        if settings.command != nil {
            let count = tasks[id]!.answers.count
            crashClient()
            manners.phase = .running
            try startClient()
            try join(within: settings.patience)
            try listen(for: .seconds(2))
            if tasks[id]!.answers.count > count {
                return book.breach(.end, "an update of the run was kept after its end")
            }
            crashClient()
        }
        book.keep(.end, "Goodbye, then silence")
    }
}
