import Federation
import PromptAggregation
import Testing

/// Plays a scenario. A line that begins with `> ` is an input; what came of it stands below it, indented; other lines
/// are for the reader. Beacons of an active run are left out.
struct Scenario {
    struct Problem: Error, CustomStringConvertible {
        var description: String
    }

    private var bench: Bench?
    private var start = Timestamp(nanoseconds: 0)

    static func play(_ text: String) throws -> String {
        var scenario = Scenario()
        var lines: [String] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) where !line.hasPrefix("  ") {
            lines.append(String(line))
            if line.hasPrefix("> ") { lines += try scenario.take(String(line.dropFirst(2))).map { "  " + $0 } }
        }
        return lines.joined(separator: "\n")
    }

    private mutating func take(_ line: String) throws -> [String] {
        var words = Words(line)
        let verb = try words.next("verb")
        if verb == "run" {
            bench = try Bench(try words.configuration())
            return bench!.last.compactMap(words(for:))
        }
        guard bench != nil else { throw Problem(description: "'\(line)': expected 'run' first") }
        if verb == "status" { return status }
        try act(verb, &words)
        return bench!.last.compactMap(self.words(for:))
    }

    private mutating func act(_ verb: String, _ words: inout Words) throws {
        switch verb {
        case "wait": bench!.wait(try words.seconds())
        case "stall": bench!.stall(try words.seconds())
        case "step":
            bench!.now = bench!.now + (try words.seconds())
            bench!.last = []
        case "restart": try bench!.restart(after: try words.seconds())
        case "reconfigure": bench!.take(.reconfigured(try words.configuration()))
        case "drain": bench!.take(.drainRequested(within: try words.seconds()))
        case "hello":
            let name = try words.next("client")
            let model = words.text("model").map { ModelSpecification(fields: [.init("encoder", $0)], digest: $0) }
            bench!.hello(
                name, session: words.number("session", 1), samples: Int(words.number("samples", 10)),
                model: model ?? ModelSpecification(), heldOut: Int(words.number("held", 0)))
        case "update":
            let name = try words.next("client")
            bench!.update(
                name, session: words.number("session", 1), run: words.number("run", Bench.run),
                task: words.optional("task"), base: Int(words.number("base", UInt64(bench!.aggregator.version))),
                values: words.text("value").map { [Float($0) ?? .nan, 0] } ?? [1, 0],
                samples: Int(words.number("samples", 10)))
        case "heartbeat":
            let name = try words.next("client")
            let activity =
                ["idle": .idle, "waiting": .waiting][words.text("activity") ?? ""]
                ?? ClientMessage.Heartbeat.Activity.training
            bench!.heartbeat(
                name, session: words.number("session", 1), activity, task: words.optional("task"),
                outstanding: Int(words.number("outstanding", 0)))
        case "failure":
            let name = try words.next("client")
            bench!.take(
                .received(
                    .failure(
                        .init(
                            client: ClientID(name), session: words.number("session", 1),
                            task: words.optional("task") ?? bench!.tasks[name]?.number ?? 0,
                            reason: words.text("reason") ?? "no reason"))))
        case "fetch":
            let name = try words.next("client")
            bench!.take(
                .received(
                    .fetch(
                        .init(
                            client: ClientID(name), session: words.number("session", 1),
                            holding: words.optional("holding").map { Int($0) } ?? -1))))
        case "evaluation":
            let name = try words.next("client")
            bench!.take(
                .received(
                    .evaluation(
                        .init(
                            client: ClientID(name), session: words.number("session", 1),
                            version: Int(words.number("version", UInt64(bench!.aggregator.version))),
                            loss: words.text("loss").flatMap(Double.init) ?? 0.5,
                            total: [Int(words.number("total", 10))], correct: [Int(words.number("correct", 5))]))))
        case "goodbye": bench!.goodbye(try words.next("client"), session: words.number("session", 1))
        default: throw Problem(description: "'\(verb)' is no verb of a scenario")
        }
    }

    private var status: [String] {
        let (core, counts) = (bench!.aggregator, bench!.aggregator.counts)
        let next = core.nextDeadline.map { "\(seconds(until: $0)) s" } ?? "never"
        let head =
            "\(core.phase), version \(core.version), \(counts.accepted) accepted, \(counts.rejected) rejected,"
            + " \(counts.duplicates) duplicates, \(counts.discardedLate) too late, \(counts.failed) failed,"
            + " \(counts.fenced) fenced, \(counts.inFlight) in flight, \(core.buffered) buffered, next in \(next)"
        return [head]
            + core.clientStates.map { state in
                let task = state.taskVersion.map { ", at work on version \($0)" } ?? ""
                let failures = state.failures > 0 ? ", failed \(state.failures) times: \(state.lastFailure)" : ""
                return "\(state.id): \(state.presence.rawValue)\(state.isAsked ? "" : ", not asked")\(task)\(failures)"
            }
    }

    private func seconds(until time: Timestamp) -> Double {
        ((time - bench!.now) / .milliseconds(1)).rounded() / 1000
    }

    private func words(for effect: AggregatorEffect) -> String? {
        switch effect {
        case .publish(let topic, let message): words(for: message).map { "\(self.words(for: topic)) \($0)" }
        case .publishVersion(let prompts): "publish version \(prompts.version): \(prompts.state.prompts.values[0])"
        case .judged(let it): "judged task \(it.task) of \(it.client): \(self.words(for: it.verdict))"
        case .flushed(let flush):
            "flushed "
                + flush.parts.map { "\($0.client) task \($0.task) staleness \($0.staleness)" }.joined(separator: ", ")
        case .presenceChanged(let client, let presence): "\(client) is \(presence.rawValue)"
        case .failed(let failed):
            "failed at \(failed.client): \(failed.reason)" + (failed.isAskedAgain ? "" : "; not asked again")
        case .fenced(let client, let session): "two processes for \(client): session \(session) is told to end"
        case .evaluated(let it): "\(it.client) says of version \(it.version): \(it.correct) of \(it.total)"
        case .finish: "finish"
        case .rest: "rest"
        }
    }

    private func words(for verdict: Verdict) -> String {
        switch verdict {
        case .accepted: "accepted"
        case .tooLate: "too late for its round"
        case .duplicate: "duplicate"
        case .rejected(let code, _): "rejected as \(code)"
        }
    }

    private func words(for topic: Topic) -> String {
        switch topic {
        case .all: "to all:"
        case .client(let client): "to \(client):"
        }
    }

    private func words(for message: AggregatorMessage) -> String? {
        switch message {
        case .welcome(let it): "welcome session \(it.session) at version \(it.version)"
        case .task(let it): "task \(it.number) on version \(it.version) for session \(it.session)"
        case .prompts(let it):
            "version \(it.version) with \(it.changed.parameters.names.joined(separator: ", "))"
                + it.unchanged.map { ", \($0.name) as in \($0.since)" }.joined()
        case .ack(let it): "ack task \(it.task)"
        case .reject(let it): "reject task \(it.task), \(it.code): \(it.reason)"
        case .refuse(let it): "refuse session \(it.session), \(it.code): \(it.reason)"
        case .sayHello(let it): "say hello, session \(it.session)"
        case .evaluate(let it): "evaluate version \(it.version)"
        case .malformed(let it): "malformed: \(it.reason)"
        case .beacon(let it): it.phase == .finished ? "the run has finished at version \(it.version)" : nil
        }
    }
}

/// The words of an input: a verb, names, and `key=value` in any order behind them.
private struct Words {
    private var plain: [String] = []
    private var values: [String: String] = [:]

    init(_ line: String) {
        for word in line.split(separator: " ") {
            let parts = word.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { values[String(parts[0])] = String(parts[1]) } else { plain.append(String(word)) }
        }
    }

    mutating func next(_ what: String) throws -> String {
        guard !plain.isEmpty else { throw Scenario.Problem(description: "expected a \(what)") }
        return plain.removeFirst()
    }

    mutating func seconds() throws -> Duration {
        guard let seconds = Double(try next("number of seconds")) else {
            throw Scenario.Problem(description: "expected a number of seconds")
        }
        return .milliseconds(Int(seconds * 1000))
    }

    func text(_ key: String) -> String? { values[key]?.replacing("_", with: " ") }
    func optional(_ key: String) -> UInt64? { values[key].flatMap { UInt64($0) } }
    func number(_ key: String, _ otherwise: UInt64) -> UInt64 { optional(key) ?? otherwise }
    private func count(_ key: String, _ otherwise: Int) -> Int { Int(number(key, UInt64(otherwise))) }
    private func optionalSeconds(_ key: String) -> Duration? { optional(key).map { .seconds(Int($0)) } }

    mutating func configuration() throws -> FederationConfiguration {
        let mode: Mode =
            switch try next("mode") {
            case "continuous": .continuous
            case "buffered": .buffered(.init(size: count("size", 2), flushAfter: optionalSeconds("flush")))
            default:
                .synchronous(
                    .init(
                        cohort: count("cohort", 2), overSelection: Double(count("over", 0)) / 100,
                        quorum: count("quorum", 1), deadline: optionalSeconds("deadline") ?? .seconds(5),
                        late: values["late"] == "carry-over" ? .carryOver : .discard))
            }
        return FederationConfiguration(
            seed: 1, mode: mode, concurrency: count("concurrency", 0), maximumStaleness: count("staleness", 100),
            clientsToStart: count("clients", 1), maximumClients: count("most", 100), lease: .seconds(10),
            stop: StopCondition(versions: count("versions", 0), duration: optionalSeconds("duration")),
            model: text("model").map { .init(fields: [.init("encoder", $0)], digest: $0) } ?? .init(),
            checks: UpdateChecks(quarantineAfter: count("quarantine", 0)), failuresAllowed: count("failures", 3),
            evaluateEvery: count("evaluate", 0))
    }
}
