import Federation
import PromptAggregation
import PromptWire
import RunLog

/// Builds the entries of a `RunInspection` while the log goes by.
struct RunCollector {
    private(set) var start: Timestamp?
    private(set) var starts = 0
    private(set) var versions: [RunInspection.VersionEntry] = []
    private(set) var updates: [RunInspection.UpdateEntry] = []
    private(set) var clients: [RunInspection.ClientEntry] = []
    private(set) var forks: [RunInspection.ForkEntry] = []
    private(set) var isSigned = false
    /// Those already counted: a client repeats its hello until it is welcomed, and after the aggregator's restart.
    private var sessions: Set<UInt64> = []
    /// Where in `updates` those in the buffer are.
    private var waiting: [Int] = []
    private var now = Timestamp(nanoseconds: 0)
    /// The size of the record that is being handled.
    private var bytes = 0

    private var seconds: Double { start.map { (now - $0) / .seconds(1) } ?? 0 }

    mutating func take(_ step: Replay.Step) {
        switch step {
        case .event(let event, let bytes):
            start = start ?? event.time
            now = event.time
            self.bytes = bytes
            switch event.kind {
            case .received(let message): count(message)
            case .started, .tick, .heard, .aggregated, .drainRequested, .reconfigured: break
            }
        case .judged(let update, let verdict): add(update, verdict)
        case .effect(.flushed(let flush)): add(flush)
        case .effect(.evaluated(let evaluation)):
            edit(evaluation.client) { $0.evaluation = .init(evaluation) }
        case .effect(.publish(.client(let id), .reject)): edit(id) { $0.rejected += 1 }
        case .checked(let publication):
            if let place = versions.lastIndex(where: { $0.version == publication.version }) {
                versions[place].digest = publication.recorded.description
            }
        case .started(let start):
            starts += 1
            isSigned = !start.signingKey.isEmpty
            if let fork = start.fork {
                forks.append(
                    .init(
                        start: starts, program: start.program.words, version: fork.version,
                        logged: "\(Digest(bytes: fork.logged))", replayed: "\(Digest(bytes: fork.replayed))"))
            }
        case .began, .resumed, .segment, .effect, .validated, .checkpoint: break
        }
    }

    private mutating func count(_ message: ClientMessage) {
        var begins = false
        if case .hello(let hello) = message { begins = sessions.insert(hello.session).inserted }
        let bytes = bytes
        for client in message.clients {
            edit(client) {
                $0.messages += 1
                $0.bytes += bytes / message.clients.count
                if begins { $0.sessions += 1 }
            }
        }
    }

    private mutating func add(_ update: ClientMessage.Update, _ verdict: Verdict) {
        var entry = RunInspection.UpdateEntry(
            seconds: seconds, client: update.client.name, session: update.session, task: update.task,
            baseVersion: update.baseVersion, samples: update.sampleCount,
            prompts: update.promptIDs.count, bytes: bytes,
            loss: update.metrics.first { $0.name == "loss" }?.value, fate: .waiting)
        switch verdict {
        case .accepted: waiting.append(updates.count)
        case .tooLate: entry.fate = .discarded
        case .duplicate: entry.fate = .duplicate
        case .rejected(let code, let reason):
            entry.fate = .rejected
            entry.reason = "\(code): \(reason)"
        }
        updates.append(entry)
    }

    private mutating func add(_ flush: Flush) {
        let parts = flush.parts.enumerated().map { index, part in
            RunInspection.VersionEntry.Part(
                client: part.client.name, task: part.task, baseVersion: part.baseVersion, staleness: part.staleness,
                stalenessWeight: part.stalenessWeight, samples: part.sampleCount,
                weight: index < flush.report.weights.count ? flush.report.weights[index] : 0)
        }
        for part in parts {
            use(part, in: flush.version)
            edit(ClientID(part.client)) {
                let total = $0.meanStaleness * Double($0.updatesUsed) + Double(part.staleness)
                $0.updatesUsed += 1
                $0.meanStaleness = total / Double($0.updatesUsed)
                if part.staleness > 0 { $0.lateUpdatesUsed += 1 }
            }
        }
        waiting.removeAll { updates[$0].fate == .used }
        versions.append(
            RunInspection.VersionEntry(
                version: flush.version, seconds: seconds, digest: "", pool: flush.pool,
                births: flush.report.births.count, deaths: flush.report.deaths.count,
                objectiveBefore: flush.report.objectiveBefore, objectiveAfter: flush.report.objectiveAfter,
                updates: parts))
    }

    private mutating func use(_ part: RunInspection.VersionEntry.Part, in version: Version) {
        let place = waiting.first {
            updates[$0].client == part.client && updates[$0].task == part.task
        }
        guard let place else { return }
        updates[place].fate = .used
        updates[place].version = version
        updates[place].staleness = part.staleness
        updates[place].stalenessWeight = part.stalenessWeight
        updates[place].weight = part.weight
    }

    private mutating func edit(_ id: ClientID, _ change: (inout RunInspection.ClientEntry) -> Void) {
        let place = clients.firstIndex { $0.client >= id.name } ?? clients.count
        if place == clients.count || clients[place].client != id.name {
            clients.insert(RunInspection.ClientEntry(client: id.name), at: place)
        }
        change(&clients[place])
    }
}
