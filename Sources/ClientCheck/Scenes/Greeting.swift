import Federation
import PromptWire
import RunSettings
import Text

extension Stage {
    /// Says nothing at first, then misleads, then welcomes.
    func playGreeting() throws {
        manners.welcomes = false
        heartbeat = .seconds(4)
        try startClient()
        guard try listen(for: settings.patience, until: { hasGreeted }) else {
            throw absence("within \(decimal(settings.patience / .seconds(1), 0)) s")
        }
        try hearHellos()
        try misleadByWelcome()
        lookAtSubscriptions()
        try seeWelcomeAnswered()
        try askForHello()
    }

    private func hearHellos() throws {
        let hellos = { self.heard.filter { $0.message.kind == "Hello" }.map(\.at) }
        try listen(for: .seconds(12)) { hellos().count >= 4 }
        let pauses = zip(hellos(), hellos().dropFirst()).map { $1 - $0 }
        let words = pauses.map { decimal($0 / .seconds(1), 1) }.joined(separator: ", ")
        if pauses.count < 3 {
            book.breach(.helloRepeated, "\(pauses.count + 1) came within 12 s")
        } else if let last = pauses.last, last < pauses[0] * 1.3, last < .seconds(4) {
            book.breach(.helloRepeated, "the pauses do not grow: \(words) s")
        } else {
            book.keep(.helloRepeated, "again after \(words) s")
        }
    }

    private func misleadByWelcome() throws {
        trying = .foreignWelcome
        let start = Instant.now
        say(
            .welcome(
                .init(client: client!, session: session! ^ 1, version: 0, heartbeatMilliseconds: 100)))
        try listen(for: .seconds(1.2))
        let before = heard.filter { $0.at < start && $0.message.kind != "Hello" }
        let after = heard.filter { $0.at >= start && $0.message.kind != "Hello" }
        if let first = before.first {
            book.breach(.helloFirst, "a \(first.message.kind) came before the Welcome")
        } else if let first = after.first {
            book.breach(.foreignWelcome, "a \(first.message.kind) followed it")
        } else {
            book.keep(.helloFirst, "Hello alone")
            book.keep(.foreignWelcome, "Hello continues")
        }
    }

    private func lookAtSubscriptions() {
        let wanted = [Topic.all.bytes, Topic.client(client!).bytes]
        let names = topics.map { String(decoding: $0, as: UTF8.self) }
        if let missing = wanted.first(where: { !topics.contains($0) }) {
            book.breach(
                .subscriptions, "expected \(String(decoding: missing, as: UTF8.self)), found \(names)")
        } else if let wrong = topics.first(where: { (try? Topic(bytes: $0)) == nil }) {
            book.breach(.subscriptions, "'\(String(decoding: wrong, as: UTF8.self))' is no topic")
        } else {
            book.keep(.subscriptions, names.joined(separator: " "))
        }
    }

    /// The next heartbeat is due long after the answer.
    private func seeWelcomeAnswered() throws {
        trying = .welcomeAnswered
        manners.welcomes = true
        welcome()
        if try listen(for: .seconds(2), until: { lastHeartbeat != nil }) {
            book.keep(
                .welcomeAnswered, "a Heartbeat after \(decimal((lastHeartbeat!.at - welcomedAt!) / .seconds(1), 2)) s")
        } else {
            book.breach(.welcomeAnswered, "none within 2 s, and the next one is due after 4 s")
        }
    }

    private func askForHello() throws {
        trying = .sayHello
        var start = Instant.now
        func hellos() -> Int { count(since: start) { $0.kind == "Hello" } }
        say(.sayHello(.init(client: client!, session: session! ^ 1)))
        try listen(for: .seconds(0.8))
        if hellos() > 0 { return book.breach(.sayHello, "a Hello followed one for another session") }
        start = .now
        heartbeat = .milliseconds(300)
        say(.sayHello(.init(client: client!, session: session!)))
        if try listen(for: .seconds(3), until: { hellos() > 0 }) {
            book.keep(.sayHello, "Hello to the own one alone")
        } else {
            book.breach(.sayHello, "no Hello within 3 s")
        }
    }
}
