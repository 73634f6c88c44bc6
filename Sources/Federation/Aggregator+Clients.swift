import PromptAggregation

/// Who takes part: hello, heartbeat, goodbye, failure, lease.
extension Aggregator {
    mutating func receive(_ hello: ClientMessage.Hello) {
        if let difference = hello.model.difference(from: configuration.model) {
            return refuse(hello.client, hello.session, .modelMismatch, difference)
        }
        guard let slot = clients.slot(of: hello.client) else { return admit(hello) }
        let record = clients[slot]
        if record.presence == .quarantined {
            return refuse(hello.client, hello.session, .quarantined, Self.quarantineReason)
        }
        if record.fenced.contains(where: { $0.session == hello.session }) { return fence(hello.session, of: slot) }
        if record.session == hello.session {
            clients.change(slot) {
                $0.sampleCount = hello.sampleCount
                $0.heldOutCount = hello.heldOutCount
            }
            hear(from: slot)
        } else if record.presence == .alive {
            clients.change(slot) {
                $0.candidate = .init(
                    session: hello.session, sampleCount: hello.sampleCount, heldOutCount: hello.heldOutCount)
            }
        } else {
            begin(
                .init(session: hello.session, sampleCount: hello.sampleCount, heldOutCount: hello.heldOutCount),
                of: slot)
            hear(from: slot)
        }
        welcome(hello)
    }

    private mutating func admit(_ hello: ClientMessage.Hello) {
        guard clients.count < configuration.maximumClients else {
            return refuse(
                hello.client, hello.session, .full,
                "the run already has its \(configuration.maximumClients) clients")
        }
        clients.insert(
            ClientRecord(
                id: hello.client, session: hello.session, sampleCount: hello.sampleCount,
                heldOutCount: hello.heldOutCount, heard: clock.listened))
        effects.append(.presenceChanged(hello.client, .alive))
        noteSamples(hello)
        welcome(hello)
    }

    /// Says so where a client has nothing to train on.
    private mutating func noteSamples(_ hello: ClientMessage.Hello) {
        guard hello.sampleCount == 0 else { return }
        effects.append(
            .failed(
                FailedTask(
                    client: hello.client, task: 0, reason: "the client has no samples: it is never asked to train",
                    isAskedAgain: false)))
    }

    private mutating func refuse(
        _ client: ClientID, _ session: UInt64, _ code: AggregatorMessage.Refuse.Code, _ reason: String
    ) {
        totals.rejected += 1
        sendRefusal(client, session, code, reason)
    }

    private mutating func sendRefusal(
        _ client: ClientID, _ session: UInt64, _ code: AggregatorMessage.Refuse.Code, _ reason: String
    ) {
        effects.append(
            .publish(
                .client(client), .refuse(.init(client: client, session: session, code: code, reason: reason))))
    }

    private mutating func welcome(_ hello: ClientMessage.Hello) {
        let milliseconds = configuration.heartbeat.wholeNanoseconds / 1_000_000
        effects.append(
            .publish(
                .client(hello.client),
                .welcome(
                    .init(
                        client: hello.client, session: hello.session, version: version,
                        heartbeatMilliseconds: max(1, Int(milliseconds)), precision: configuration.precision,
                        modelDigest: configuration.model.digest))))
        if phase == .finished { publishBeacon(to: .client(hello.client)) }
    }

    // MARK: One voice a client

    /// The place of a client for whom a session may speak, nil where it may not. A session that waits to take over does
    /// so by speaking; one that was replaced is asked to end; an unknown one is asked to say hello.
    mutating func voice(of client: ClientID, _ session: UInt64) -> Int? {
        guard let slot = clients.slot(of: client) else { return askForHello(client, session) }
        let record = clients[slot]
        if record.presence == .quarantined {
            sendRefusal(client, session, .quarantined, Self.quarantineReason)
            return nil
        }
        if record.fenced.contains(where: { $0.session == session }) {
            fence(session, of: slot)
            return nil
        }
        if let candidate = record.candidate, candidate.session == session {
            begin(candidate, of: slot)
            return slot
        }
        return record.session == session && record.presence != .departed ? slot : askForHello(client, session)
    }

    private mutating func askForHello(_ client: ClientID, _ session: UInt64) -> Int? {
        effects.append(.publish(.client(client), .sayHello(.init(client: client, session: session))))
        return nil
    }

    /// Begins a session of a client; the one before is asked to end, and its task is taken back.
    private mutating func begin(_ next: ClientRecord.Candidate, of slot: Int) {
        let (id, before, presence) = (clients[slot].id, clients[slot].session, clients[slot].presence)
        release(slot)
        clients.change(slot) { $0.begin(next) }
        if presence != .departed { sendRefusal(id, before, .fenced, Self.fencedReason) }
        noteSamples(.init(client: id, session: next.session, sampleCount: next.sampleCount))
    }

    /// Answers a session that was replaced; the first time is reported, since it shows that there are two processes.
    private mutating func fence(_ session: UInt64, of slot: Int) {
        noteFenced(session, of: slot)
        sendRefusal(clients[slot].id, session, .fenced, Self.fencedReason)
    }

    private mutating func noteFenced(_ session: UInt64, of slot: Int) {
        guard let place = clients[slot].fenced.firstIndex(where: { $0.session == session }),
            !clients[slot].fenced[place].wasHeard
        else { return }
        clients.change(slot) { $0.fenced[place].wasHeard = true }
        totals.fenced += 1
        effects.append(.fenced(clients[slot].id, session: session))
    }

    static let fencedReason = "another process took part under this client's name later: only one may"

    // MARK: Signs of life

    mutating func receive(_ heartbeat: ClientMessage.Heartbeat) {
        guard let slot = voice(of: heartbeat.client, heartbeat.session) else { return }
        hear(from: slot)
        guard let current = clients[slot].current else { return }
        if heartbeat.task < current.task {
            // The task was lost on its way; the client ignores one that it already has.
            sendTask(of: slot)
        } else if heartbeat.task == current.task, heartbeat.activity == .idle, heartbeat.outstanding == 0 {
            fail(current.task, of: slot, "the client is idle after the task and has nothing to send")
        }
    }

    mutating func receive(_ failure: ClientMessage.Failure) {
        guard let slot = voice(of: failure.client, failure.session) else { return }
        hear(from: slot)
        if clients[slot].current?.task == failure.task { fail(failure.task, of: slot, failure.reason) }
    }

    /// Takes a task back that came to nothing. Should an update for it come all the same, it counts.
    private mutating func fail(_ task: UInt64, of slot: Int, _ reason: String) {
        release(slot)
        totals.failed += 1
        clients.change(slot) {
            $0.failures += 1
            $0.lastFailure = reason
        }
        effects.append(
            .failed(
                FailedTask(
                    client: clients[slot].id, task: task, reason: reason,
                    isAskedAgain: clients.mayBeAsked(clients[slot]))))
    }

    mutating func receive(_ fetch: ClientMessage.Fetch) {
        guard let slot = voice(of: fetch.client, fetch.session) else { return }
        hear(from: slot)
        effects.append(.publish(.client(fetch.client), .prompts(prompts(since: fetch.holding))))
    }

    mutating func receive(_ goodbye: ClientMessage.Goodbye) {
        guard let slot = clients.slot(of: goodbye.client) else { return }
        let record = clients[slot]
        if record.candidate?.session == goodbye.session { clients.change(slot) { $0.candidate = nil } }
        guard record.session == goodbye.session else { return noteFenced(goodbye.session, of: slot) }
        guard record.presence != .departed, record.presence != .quarantined else { return }
        release(slot)
        clients.change(slot) { $0.presence = .departed }
        effects.append(.presenceChanged(goodbye.client, .departed))
    }

    /// Notes a sign of life; a client that was lost or had left is back.
    mutating func hear(from slot: Int) {
        let wasAlive = clients[slot].presence == .alive
        clients.hear(slot, at: clock.listened)
        if !wasAlive { effects.append(.presenceChanged(clients[slot].id, .alive)) }
    }

    mutating func lose(_ slot: Int) {
        release(slot)
        clients.change(slot) { $0.presence = .lost }
        effects.append(.presenceChanged(clients[slot].id, .lost))
    }

    /// Takes back the task of a client, if it has one. An update may still answer it.
    mutating func release(_ slot: Int) {
        if clients[slot].current != nil { clients.change(slot) { $0.current = nil } }
    }
}
