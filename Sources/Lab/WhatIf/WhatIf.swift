import Federation
import FederationRun
import PromptAggregation
import PromptTuning
import RunLog
import RunSettings
import Text

/// The updates of a recorded run aggregated in other ways, and how the outcomes differ from the recorded one.
///
/// This is an open loop: the clients' updates stay as they are, tuned from the versions of the recorded run. Under
/// another method they would have started from other versions and answered differently.
public struct WhatIf: Encodable, Sendable {
    /// The state that a method ends with.
    public struct Outcome: Encodable, Sendable {
        public var method: String
        public var versions: Int
        /// Updates used.
        public var updates: Int
        /// Prompts in the pool.
        public var pool: Int
        /// `PromptState.poolDistance` to the recorded state.
        public var promptDistance: Double
        /// `PromptState.headDistance` to the recorded state.
        public var headDistance: Double
        /// The share of the updates' prompts that started from one that the method's pool did not hold any more, or never
        /// did; methods that average drop those.
        public var strayShare: Double
        /// nil where accuracy was not asked for.
        public var accuracy: Double?
        public var balancedAccuracy: Double?
        /// The mean cross-entropy.
        public var loss: Double?
    }

    public var log: String
    /// The last version of the recorded run that takes part.
    public var version: Int
    /// How long the recorded run took.
    public var recordedSeconds: Double
    public var split: RunEvaluation.Split?
    /// Where the log begins in the middle of its run: all start from there, with nothing learned before but the state.
    public var beginning: Replay.Beginning?
    /// The state that all start from, to compare distances with.
    public var start: Outcome
    public var recorded: Outcome
    public var others: [Outcome] = []
    /// Why there is no accuracy, where it was wanted; nil where there is, or where it was not.
    public var noAccuracy: String?
    private var isOfClients: Bool

    /// Replays a log up to a version, feeds its updates to the other methods, and compares the states that come out.
    ///
    /// - Parameters:
    ///   - version: nil for the last one.
    ///   - split: the images on which to evaluate, with the data and the encoder that the run's configuration names; nil
    ///     for none.
    ///   - needsImages: whether to throw where these are not at hand, rather than to say so.
    /// - Throws: `ConfigurationError` for what cannot be aggregated so, `LogError` or `ReplayError`, or what is wrong with
    ///   data or encoder.
    public init(
        log path: String, methods: WhatIfMethods, until version: Version? = nil, split: RunEvaluation.Split? = nil,
        needsImages: Bool = true, threads: Int = 1
    ) throws {
        isOfClients = !methods.absent.isEmpty
        var study = Study(path: path, methods: methods)
        let replay = try Replay(path: path, until: version) { try study.take($0) }
        guard let initial = study.initial, let last = study.states.last, version.map({ $0 == last.version }) ?? true
        else {
            throw ReplayError(
                "\(path): the log ends at version \(study.states.last?.version ?? 0) and has no \(version ?? 0)")
        }
        var images: HeldOutImages?
        if let split {
            do {
                images = try HeldOutImages(split, of: replay.configuration!, log: path, threads: threads)
            } catch  where !needsImages {
                noAccuracy = "\(error)"
            }
        }
        let goal = last.state
        func outcome(_ method: String, _ state: PromptState, versions: Int, updates: Int, strays: Double = 0) -> Outcome
        {
            Outcome(
                method: method, versions: versions, updates: updates, pool: state.promptIDs.count,
                promptDistance: state.poolDistance(to: goal), headDistance: state.headDistance(to: goal),
                strayShare: strays)
        }
        func evaluated(_ outcome: Outcome, _ state: PromptState) throws -> Outcome {
            guard let evaluation = try images?.evaluate(state) else { return outcome }
            var outcome = outcome
            outcome.accuracy = evaluation.accuracy
            outcome.balancedAccuracy = evaluation.balancedAccuracy
            outcome.loss = evaluation.loss
            return outcome
        }
        log = path
        self.version = last.version
        self.split = images == nil ? nil : split
        beginning = replay.beginning
        recordedSeconds = study.seconds
        start = outcome("the start", initial, versions: 0, updates: 0)
        recorded = try evaluated(
            outcome("as recorded", goal, versions: last.version, updates: study.updates), goal)
        others = try study.alternatives.map {
            try evaluated(
                outcome(
                    $0.name, $0.state, versions: $0.version, updates: $0.updates,
                    strays: Double($0.strayRows) / Double(max(1, $0.rows))), $0.state)
        }
    }

    private enum CodingKeys: CodingKey {
        case log, version, recordedSeconds, split, beginning, start, recorded, others, noAccuracy
    }

    /// What is kept while the log goes by.
    private struct Study {
        let path: String
        let methods: WhatIfMethods
        var initial: PromptState?
        var alternatives: [Alternative] = []
        /// The recorded states that updates may start from, ascending by version; the last is the newest.
        var states: [AggregatorMessage.GlobalPrompts] = []
        private var kept = 1
        /// Updates that the recorded run used.
        var updates = 0
        /// The newest version, until it is known what it was made of.
        private var made: AggregatorMessage.GlobalPrompts?
        private var times: (first: Timestamp, last: Timestamp)?

        init(path: String, methods: WhatIfMethods) {
            self.path = path
            self.methods = methods
        }

        var seconds: Double { times.map { ($0.last - $0.first) / .seconds(1) } ?? 0 }

        mutating func take(_ step: Replay.Step) throws {
            switch step {
            case .began(let configuration, let initial):
                alternatives = try methods.alternatives(to: configuration, from: initial)
                self.initial = initial
                states = [.init(version: 0, state: initial)]
                kept = configuration.federation.maximumStaleness + 1
            case .resumed(_, _, let states):
                self.states = states
                for place in alternatives.indices { alternatives[place].begin(behind: states) }
            case .event(let event, _): times = (times?.first ?? event.time, event.time)
            case .judged(let update, let verdict) where verdict == .accepted || verdict == .tooLate:
                guard let base = states.first(where: { $0.version == update.baseVersion })?.state else {
                    throw ReplayError("\(path): an update counts whose base version \(update.baseVersion) is gone")
                }
                for place in alternatives.indices {
                    alternatives[place].take(update, base: base, isDiscarded: verdict == .tooLate)
                }
            case .judged: break
            case .effect(.publishVersion(let prompts)): note(prompts)
            case .effect(.flushed(let flush)):
                updates += flush.parts.count
                follow(flush)
            case .effect(.finish): for place in alternatives.indices { alternatives[place].finish() }
            case .effect, .started, .validated, .checkpoint, .segment: break
            case .checked(let publication):
                guard publication.isEqual else {
                    throw ReplayError(
                        "\(path): version \(publication.version) does not replay to its recorded digest")
                }
            }
        }

        /// The aggregator publishes a version again when it restarts, and the initial one at its first start: a
        /// strategy may add to what the log's header holds.
        private mutating func note(_ prompts: AggregatorMessage.GlobalPrompts) {
            if prompts.version > states[states.count - 1].version {
                made = prompts
            } else {
                states[states.count - 1] = prompts
            }
        }

        private mutating func follow(_ flush: Flush) {
            guard let prompts = made else { return }
            made = nil
            states.append(prompts)
            if states.count > kept { states.removeFirst() }
            let tasks = Set(flush.parts.map(\.task))
            for place in alternatives.indices { alternatives[place].follow(prompts, madeOf: tasks) }
        }
    }

    /// A table of the outcomes, and how to read it.
    public var lines: [String] {
        var header = ["method", "versions", "updates", "pool", "prompts", "head", "astray"]
        if split != nil { header += ["accuracy", "balanced", "loss"] }
        var table = TextTable(header)
        for outcome in [start, recorded] + others { table.add(row(outcome)) }
        let images = split.map { " Accuracy is on the \($0.rawValue) images." } ?? ""
        return table.lines + [
            "",
            "prompts and head are distances from the recorded state; astray are updates' prompts whose prompt the method's",
            "pool does not hold.\(images)",
        ] + (beginning.map { ["The log \($0.words)."] } ?? []) + (noAccuracy.map { ["No accuracy: \($0)"] } ?? [])
            + openLoop
    }

    private var openLoop: [String] {
        isOfClients
            ? [
                "Open loop: the other clients' updates stay as they were sent, tuned from versions that this client had a part",
                "in. Without it they would have started from other versions and answered differently.",
            ]
            : [
                "Open loop: every method gets the updates that the clients sent in the recorded run. Under it they would have",
                "started from other versions and answered differently; 'impromptu simulate' lets them.",
            ]
    }

    private func row(_ outcome: Outcome) -> [String] {
        func shown(_ share: Double?) -> String { share.map(percent) ?? "-" }
        var row = [
            outcome.method, "\(outcome.versions)", "\(outcome.updates)", "\(outcome.pool)",
            decimal(outcome.promptDistance, 4), decimal(outcome.headDistance, 4), shown(outcome.strayShare),
        ]
        if split != nil {
            row += [
                shown(outcome.accuracy), shown(outcome.balancedAccuracy),
                outcome.loss.map { decimal($0, 4) } ?? "-",
            ]
        }
        return row
    }
}
