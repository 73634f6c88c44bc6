import Federation
import PromptAggregation
import RunLog

/// What a simulated run left behind: its log, replayed in one go, and the clients' disks.
struct RunRecord {
    /// An update's name in the whole federation.
    struct UpdateName: Hashable, CustomStringConvertible {
        var client: ClientID
        var id: UpdateID
        var description: String { "update \(id.sequence) of \(client) in session \(id.session)" }
    }

    enum Verdict { case accepted, rejected }

    var configuration: FederationConfiguration
    /// Updates that the aggregator settled.
    var verdicts: [UpdateName: Verdict] = [:]
    var flushes: [Flush] = []
    /// Each publication of the log.
    var publications: [Replay.CheckedPublication] = []
    /// The core at the end of the replay; nil where the log tells of no run.
    var aggregator: Aggregator?
    /// Updates on the clients' disks.
    var kept: Set<UpdateName> = []
    /// Whether the run ended before its deadline, and what everybody does at the end.
    var hasEnded = true
    var state = ""

    init(configuration: FederationConfiguration) { self.configuration = configuration }

    /// Replays a log from its first to its last record.
    mutating func read(_ storage: some RunStorage) throws {
        var received: ClientMessage.Update?
        let replay = try Replay(RunLogReader(storage.readLog())) { step in
            switch step {
            case .event(let event, _):
                received = nil
                if case .received(.update(let update)) = event.kind { received = update }
            case .effect(.publish(.client, let message)):
                if let update = received { judge(update, by: message) }
            case .effect(.flushed(let flush)): flushes.append(flush)
            case .began, .judged, .effect: break
            case .checked(let publication): publications.append(publication)
            }
        }
        aggregator = replay.aggregator
    }

    /// Notes what became of an update, the first time that it is settled.
    private mutating func judge(_ update: ClientMessage.Update, by message: AggregatorMessage) {
        let name = UpdateName(client: update.client, id: update.id)
        guard verdicts[name] == nil else { return }
        switch message {
        case .ack(let ack) where ack.session == update.session: verdicts[name] = .accepted
        case .reject(let reject) where reject.sequence == update.sequence && !reject.retryable:
            verdicts[name] = .rejected
        default: break
        }
    }
}
