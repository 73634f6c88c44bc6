import Federation
import FederationService
import PromptAggregation
import PromptWire
import ZeroMQTransport

/// What a client says: answered as an aggregator does, as far as the manners go.
extension Stage {
    func take(_ message: Message) {
        guard message.count == 1 else {
            return book.breach(.form, "expected one frame, found \(message.count)")
        }
        let decoded: ClientMessage
        do {
            decoded = try message.payload.withUnsafeBytes { bytes throws(WireError) in try ClientCodec.decode(bytes) }
        } catch {
            return book.breach(.form, "\(error)")
        }
        book.keep(.form, "all messages are well-formed")
        if let key = message.userID, let keys,
            let stranger = decoded.clients.first(where: { !keys.allowed.permits(key, toSpeakFor: $0) })
        {
            return book.breach(.ownName, "the key \(key) may not speak for \(stranger)")
        }
        for part in decoded.parts { take(part) }
    }

    private func take(_ message: ClientMessage) {
        let now = Instant.now
        guard let (name, session) = message.speaker else { return }
        if case .hello(let hello) = message, client == nil { client = hello.client }
        // The session of an update is that of its making, maybe of an earlier process.
        if let owner = owners[session], owner != name {
            book.breach(.ownName, "the session of \(owner) sent a \(message.kind) in the name of \(name)")
        }
        guard name == client else { return }
        heard.append((now, message))
        if case .hello(let hello) = message { take(hello) }
        guard session == self.session || message.isUpdate else { return }
        switch message {
        case .hello: break
        case .update(let update): take(update, at: now)
        case .failure(let failure): take(failure, at: now)
        case .fetch: if manners.answersFetches { say(.prompts(prompts(of: run.version))) }
        case .heartbeat(let heartbeat): take(heartbeat, at: now)
        case .goodbye: welcomedAt = nil
        case .presence, .evaluation: break
        }
    }

    private func take(_ hello: ClientMessage.Hello) {
        watch(hello)
        hasGreeted = true
        if session != hello.session {
            if let session { earlierSessions.insert(session) }
            session = hello.session
            forgetWelcome()
        }
        owners[hello.session] = hello.client
        self.hello = hello
        if manners.welcomes { welcome() }
    }

    /// Welcomes the present session.
    func welcome() {
        guard let client, let session else { return }
        say(
            .welcome(
                .init(
                    client: client, session: session, version: run.version,
                    heartbeatMilliseconds: Int(heartbeat / .milliseconds(1)), precision: run.precision,
                    modelDigest: model.specification.digest)))
        welcomedAt = .now
        lastHeartbeat = nil
        wasLate = false
    }

    private func take(_ heartbeat: ClientMessage.Heartbeat, at now: Instant) {
        guard !isOfEarlierRun(heartbeat, at: now) else { return }
        if let stray = strays.first(where: { $0.id.task == heartbeat.task && $0.id.run == run.number }) {
            book.breach(stray.rule, "task \(heartbeat.task) was taken")
        } else {
            watch(heartbeat)
        }
        lastHeartbeat = (now, heartbeat)
        guard let current, let task = tasks[current], !task.isShown else { return }
        if heartbeat.task == current.task {
            tasks[current]!.isShown = true
        } else if task.session == session, !task.isAnswered {
            say(order(current, task))
        }
    }

    /// Whether the client may have sent it before the Welcome of another run reached it: it names a task of the run before.
    private func isOfEarlierRun(_ heartbeat: ClientMessage.Heartbeat, at now: Instant) -> Bool {
        guard let welcomedAt, now - welcomedAt < longestSilence else { return false }
        let given = tasks.filter { $0.value.session == session && $0.key.task == heartbeat.task }.keys
        return !given.isEmpty && given.allSatisfy { $0.run != run.number }
    }

    private func take(_ update: ClientMessage.Update, at now: Instant) {
        guard update.run == run.number else {
            return book.breach(.otherRun, "the update of task \(update.task) went to a run that is not its own")
        }
        guard let task = tasks[update.id] else {
            if let stray = strays.first(where: { $0.id == update.id }) {
                return book.breach(stray.rule, "task \(update.task) was answered")
            }
            return book.breach(.update, "task \(update.task) was not given")
        }
        watch(update, of: task, at: now)
        tasks[update.id]!.answers.append((now, update))
        if task.process == nil { tasks[update.id]!.process = starts }
        if manners.acknowledges { settle(update.id) }
    }

    private func take(_ failure: ClientMessage.Failure, at now: Instant) {
        let id = UpdateID(run: run.number, task: failure.task)
        guard tasks[id] != nil else {
            return book.breach(.failure, "task \(failure.task), which failed, was not given")
        }
        tasks[id]!.failures.append((now, failure.reason))
    }

    /// Acknowledges an update.
    func settle(_ id: UpdateID) {
        guard let client else { return }
        say(.ack(.init(client: client, task: id.task)))
        if tasks[id]!.settled == nil { tasks[id]!.settled = (.now, .acknowledged) }
    }
}

extension ClientMessage {
    /// Of a presence its heartbeats, else itself.
    var parts: [ClientMessage] {
        if case .presence(let presence) = self { return presence.heartbeats.map { .heartbeat($0) } }
        return [self]
    }

    var isUpdate: Bool { if case .update = self { true } else { false } }

    /// nil for a presence, which has several.
    var speaker: (client: ClientID, session: UInt64)? {
        switch self {
        case .hello(let it): (it.client, it.session)
        case .update(let it): (it.client, it.session)
        case .failure(let it): (it.client, it.session)
        case .fetch(let it): (it.client, it.session)
        case .heartbeat(let it): (it.client, it.session)
        case .evaluation(let it): (it.client, it.session)
        case .goodbye(let it): (it.client, it.session)
        case .presence: nil
        }
    }

    var kind: String {
        switch self {
        case .hello: "Hello"
        case .update: "Update"
        case .failure: "Failure"
        case .fetch: "Fetch"
        case .heartbeat: "Heartbeat"
        case .presence: "Presence"
        case .evaluation: "Evaluation"
        case .goodbye: "Goodbye"
        }
    }
}
