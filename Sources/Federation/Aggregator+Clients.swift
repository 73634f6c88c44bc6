import PromptAggregation

/// Who takes part: hello, heartbeat, goodbye, leases.
extension Aggregator {
    mutating func receive(_ hello: ClientMessage.Hello, at time: Timestamp) {
        let expected = configuration.encoderDigest
        if !expected.isEmpty, !hello.encoderDigest.isEmpty, hello.encoderDigest != expected {
            return refuse(
                hello, .encoderMismatch, "expected the frozen encoder \(expected), found \(hello.encoderDigest)")
        }
        if let known = clients.index(of: hello.client), clients[known].presence == .quarantined {
            return refuse(hello, .quarantined, Self.quarantineReason)
        }
        let index: Int
        if let known = clients.index(of: hello.client) {
            index = known
        } else if clients.records.count < configuration.maximumClients {
            clients.insert(ClientRecord(id: hello.client, sampleCount: hello.sampleCount, lastHeard: time))
            index = clients.index(of: hello.client)!
            counts.clientsAlive += 1
            effects.append(.presenceChanged(hello.client, .alive))
        } else {
            return refuse(hello, .invalid, "the run already has its \(configuration.maximumClients) clients")
        }
        hear(from: index, at: time)
        clients[index].sampleCount = hello.sampleCount
        // A client that starts anew has forgotten its task.
        if clients[index].begin(session: hello.session) { release(index) }
        welcome(index, session: hello.session, holding: hello.lastVersion)
    }

    private mutating func refuse(_ hello: ClientMessage.Hello, _ code: AggregatorMessage.Reject.Code, _ reason: String)
    {
        counts.rejected += 1
        effects.append(
            .publish(
                .client(hello.client),
                .reject(
                    .init(
                        client: hello.client, session: hello.session, sequence: 0, code: code, reason: reason,
                        retryable: false))))
    }

    private mutating func welcome(_ index: Int, session: UInt64, holding lastVersion: Version) {
        let id = clients[index].id
        let (seconds, attoseconds) = configuration.heartbeat.components
        effects.append(
            .publish(
                .client(id),
                .welcome(
                    .init(
                        client: id, session: session, version: version, acknowledged: clients[index].ack(for: session),
                        heartbeatMilliseconds: Int(seconds * 1000 + attoseconds / 1_000_000_000_000_000)))))
        if lastVersion < version || lastVersion < 0 { effects.append(.publish(.client(id), .globalPrompts(current))) }
        if phase == .finished { publishBeacon() }
    }

    mutating func receive(_ heartbeat: ClientMessage.Heartbeat, at time: Timestamp) {
        guard let index = clients.index(of: heartbeat.client),
            clients[index].currentSession == heartbeat.session
        else { return askForHello(heartbeat) }
        hear(from: index, at: time)
        guard let inFlight = clients[index].inFlight else { return }
        if heartbeat.task < inFlight.task {
            // The task was lost on its way; the client ignores one that it already has.
            effects.append(.publish(.client(heartbeat.client), .task(task(inFlight, for: heartbeat.client))))
        } else if heartbeat.activity == .idle, heartbeat.outstanding == 0 {
            // It has been through the task and holds nothing to send: training failed there.
            release(index)
        }
        if heartbeat.activity == .waiting, heartbeat.lastVersion < version {
            effects.append(.publish(.client(heartbeat.client), .globalPrompts(current)))
        }
    }

    /// Answers a session that is not the client's current one. A hello of an earlier start may arrive behind that of the
    /// next, which would else not be heard any more; an earlier start that is gone does not read this.
    private mutating func askForHello(_ heartbeat: ClientMessage.Heartbeat) {
        effects.append(
            .publish(
                .client(heartbeat.client),
                .reject(
                    .init(
                        client: heartbeat.client, session: heartbeat.session, sequence: 0, code: .invalid,
                        reason: "not the client's current session: say hello first", retryable: true))))
    }

    mutating func receive(_ goodbye: ClientMessage.Goodbye) {
        guard let index = clients.index(of: goodbye.client), clients[index].currentSession == goodbye.session,
            clients[index].presence != .departed, clients[index].presence != .quarantined
        else { return }
        if clients[index].presence == .alive { counts.clientsAlive -= 1 }
        clients[index].presence = .departed
        release(index)
        effects.append(.presenceChanged(goodbye.client, .departed))
    }

    /// Notes a sign of life; a client that was lost or had left is back.
    mutating func hear(from index: Int, at time: Timestamp) {
        clients[index].lastHeard = time
        guard clients[index].presence != .alive, clients[index].presence != .quarantined else { return }
        clients[index].presence = .alive
        counts.clientsAlive += 1
        effects.append(.presenceChanged(clients[index].id, .alive))
    }

    mutating func sweepLeases(at time: Timestamp) {
        for index in clients.indices
        where clients[index].presence == .alive && time - clients[index].lastHeard > configuration.lease {
            clients[index].presence = .lost
            counts.clientsAlive -= 1
            release(index)
            effects.append(.presenceChanged(clients[index].id, .lost))
        }
    }

    /// Takes back the task of a client, if it has one.
    mutating func release(_ index: Int) {
        guard clients[index].inFlight != nil else { return }
        clients[index].inFlight = nil
        counts.inFlight -= 1
    }
}
