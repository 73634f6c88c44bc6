import Federation
import PromptAggregation
import RunLog
import RunSettings

/// What a report shows of a run that only its log holds.
struct LoggedRun {
    /// What an inspection does not hold of a client.
    struct ClientFigures {
        var samples = 0
        var largestStaleness = 0
        /// The share of each version that the client's updates were, added up.
        var influence = 0.0
        /// From a task's publication to the arrival of its update, each.
        var taskSeconds: [Double] = []
    }

    let configurationYAML: String
    let inspection: RunInspection
    let history: RunHistory
    let trails: PromptTrails
    let matches: MatchRecord
    let publications: Int
    let differentPublications: Int
    /// Bytes of all versions' prompts, each counted once.
    let publishedBytes: Int
    private let figures: [String: ClientFigures]

    /// Replays a log.
    /// - Parameter version: whose matches are kept; nil for the last with any.
    /// - Throws: `LogError` or `ReplayError`, also where the log has no such version.
    init(log path: String, version: Version?) throws {
        var history = RunHistory(rows: .all)
        var trails = PromptTrails()
        var matches = MatchRecord(version: version)
        var tasks = TaskTimes()
        var (publications, different, bytes) = (0, 0, 0)
        var yaml = ""
        inspection = try RunInspection(log: path) { step in
            history.take(step)
            switch step {
            case .began(let configuration, _): yaml = configuration.yaml
            case .event(let event, _): tasks.now = event.time
            case .judged(let update, let verdict):
                if verdict == .accepted { matches.take(update) }
                if verdict == .accepted || verdict == .tooLate { tasks.answered(update) }
            case .effect(.flushed(let flush)): matches.take(flush)
            case .effect(.publish(_, .task(let task))): tasks.published(task)
            case .effect(.publishVersion(let prompts)):
                trails.take(prompts)
                bytes += prompts.state.parameters.byteCount
            case .checked(let publication):
                publications += 1
                if !publication.isEqual { different += 1 }
            default: break
            }
        }
        if let version { try inspection.require(version: version) }
        configurationYAML = yaml
        self.history = history
        self.trails = trails
        self.matches = matches
        self.publications = publications
        differentPublications = different
        publishedBytes = bytes
        figures = Self.figures(inspection, tasks.seconds)
    }

    func figures(of client: String) -> ClientFigures { figures[client] ?? ClientFigures() }

    /// Bytes of all that the clients sent.
    var receivedBytes: Int { inspection.clients.reduce(0) { $0 + $1.bytes } }

    private static func figures(
        _ inspection: RunInspection, _ seconds: [String: [Double]]
    ) -> [String: ClientFigures] {
        var figures: [String: ClientFigures] = [:]
        for part in inspection.versions.flatMap(\.updates) {
            figures[part.client, default: ClientFigures()].samples = part.samples
            figures[part.client]!.influence += part.weight
            figures[part.client]!.largestStaleness = max(figures[part.client]!.largestStaleness, part.staleness)
        }
        for (client, seconds) in seconds { figures[client, default: ClientFigures()].taskSeconds = seconds }
        return figures
    }
}

/// How long the tasks of a run took.
private struct TaskTimes {
    var now = Timestamp(nanoseconds: 0)
    private(set) var seconds: [String: [Double]] = [:]
    private var open: [UInt64: Timestamp] = [:]

    /// A task that is published again counts from its first publication.
    mutating func published(_ task: AggregatorMessage.Task) { open[task.number] = open[task.number] ?? now }

    mutating func answered(_ update: ClientMessage.Update) {
        guard let start = open.removeValue(forKey: update.task) else { return }
        seconds[update.client.name, default: []].append((now - start) / .seconds(1))
    }
}
