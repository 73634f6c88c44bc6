import Federation
import PromptAggregation
import RunLog

/// What a simulated run left behind: its log, replayed in one go, and the clients' disks.
struct RunRecord {
    /// An update's name in the whole federation.
    struct UpdateName: Hashable, CustomStringConvertible {
        var client: ClientID
        var id: UpdateID
        var description: String { "the update of \(client) for task \(id.task)" }
    }

    enum Verdict { case accepted, rejected }

    var configuration: FederationConfiguration
    /// Updates that the aggregator settled.
    var verdicts: [UpdateName: Verdict] = [:]
    var flushes: [Flush] = []
    /// Each publication of the log.
    var publications: [Replay.CheckedPublication] = []
    /// The core at the end of the replay; nil where the log holds no run.
    var aggregator: Aggregator?
    /// What the log's signatures show.
    var verification: LogVerification?
    /// Updates on the clients' disks.
    var kept: Set<UpdateName> = []
    /// Whether the run ended before its deadline, and what everybody does at the end.
    var hasEnded = true
    var state = ""

    /// Which run it is.
    let run: UInt64
    /// Updates of other runs that lay on clients' disks from the start.
    let foreign: Set<UpdateName>

    init(configuration: FederationConfiguration, run: UInt64, foreign: Set<UpdateName>) {
        self.configuration = configuration
        self.run = run
        self.foreign = foreign
    }

    /// Replays a log from its first to its last record.
    /// - Parameter signer: the public key that its checkpoints must be signed with.
    mutating func read(_ storage: some RunStorage, signedBy signer: [UInt8]) throws {
        let replay = try Replay(RunLogReader(LogSegments(of: storage))) { step in
            switch step {
            case .judged(let update, let verdict): judge(update, verdict)
            case .effect(.flushed(let flush)): flushes.append(flush)
            case .began, .resumed, .segment, .started, .event, .effect, .validated, .checkpoint: break
            case .checked(let publication): publications.append(publication)
            }
        }
        aggregator = replay.aggregator
        verification = LogVerification(try RunLogReader(LogSegments(of: storage)), trusted: [signer])
    }

    /// Notes what became of an update, the first time that it is settled.
    private mutating func judge(_ update: ClientMessage.Update, _ verdict: Federation.Verdict) {
        let name = UpdateName(client: update.client, id: update.id)
        guard verdicts[name] == nil else { return }
        switch verdict {
        case .accepted, .tooLate: verdicts[name] = .accepted
        case .rejected: verdicts[name] = .rejected
        case .duplicate: break
        }
    }
}
