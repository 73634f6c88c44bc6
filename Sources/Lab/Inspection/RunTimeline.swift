import Federation
import PromptAggregation
import PromptWire
import RunLog
import Text

/// The records of a run in the order of the log, each with what came of it.
public enum RunTimeline {
    public struct Entry: Encodable, Sendable {
        public enum Kind: String, Encodable, Sendable {
            case started, tick, aggregated, drain, setting, hello, update, failure, fetch, heartbeat, presence,
                evaluation, goodbye
            case publication, validation, checkpoint, segment
        }
        /// The record's index in the log; the header is record 0.
        public var record: Int
        /// Since the first event of the log.
        public var seconds: Double
        public var event: Kind
        /// Who sent it; nil for what no client sent.
        public var client: String?
        /// What stands in the record, in words.
        public var text: String
        /// What the aggregator did about it, in words.
        public var outcomes: [String] = []

        /// The record and what came of it, a line each.
        public var lines: [String] {
            let seconds = decimal(self.seconds, 3)
            let time = String(repeating: " ", count: max(0, 10 - seconds.count)) + seconds
            let isOfAggregator = [.publication, .validation, .checkpoint, .segment].contains(event)
            return ["\(isOfAggregator ? String(repeating: " ", count: 10) : time)  \(text)"]
                + outcomes.map { "            -> \($0)" }
        }
    }

    /// - Parameter take: gets each entry as soon as it is whole.
    /// - Throws: `LogError`, `ReplayError`, or what `take` throws.
    public static func read(log path: String, take: (Entry) throws -> Void) throws {
        var start: Timestamp?
        var record = 0
        var seconds = 0.0
        var open: Entry?
        var program = ""
        func begin(_ kind: Entry.Kind, client: String? = nil, _ text: String) throws {
            if let whole = open { try take(whole) }
            record += 1
            open = Entry(record: record, seconds: seconds, event: kind, client: client, text: text)
        }
        _ = try Replay(path: path) { step in
            switch step {
            case .began: break
            case .resumed(let beginning, _, _):
                record = beginning.record - 1
                try begin(.segment, "=  the log \(beginning.words)")
            case .segment(let segment):
                try begin(.segment, "=  segment \(segment.number) begins behind \(segment.records) records")
            case .event(let event, let bytes):
                start = start ?? event.time
                seconds = (event.time - start!) / .seconds(1)
                let (kind, client) = origin(event.kind)
                try begin(kind, client: client, describe(event.kind, bytes: bytes) + (kind == .started ? program : ""))
            case .judged(_, let verdict):
                if let words = describe(verdict) { open?.outcomes.append(words) }
            case .effect(let effect):
                if let words = describe(effect) { open?.outcomes.append(words) }
            case .checked(let publication):
                let verdict = publication.isEqual ? "equal" : "DIFFERS from \(publication.replayed)"
                try begin(
                    .publication, "=  version \(publication.version) digest \(publication.recorded) \(verdict)")
            case .started(let start):
                program = ": \(start.program.words)"
                if let fork = start.fork {
                    program += ", continues from another version \(fork.version) than was logged"
                }
            case .validated(let validation, _):
                try begin(
                    .validation,
                    "=  version \(validation.version): \(decimal(100 * validation.accuracy, 1)) % of the validation samples"
                )
            case .checkpoint(let checkpoint):
                let signed = checkpoint.signature.isEmpty ? "not signed" : "signed"
                try begin(
                    .checkpoint,
                    "=  \(word(checkpoint.end)) behind \(checkpoint.records) records, \(signed)"
                )
            }
        }
        if let open { try take(open) }
    }

    private static func word(_ end: Checkpoint.End) -> String {
        switch end {
        case .none: "checkpoint"
        case .closing: "closed"
        case .continued: "segment closed"
        }
    }

    private static func origin(_ kind: AggregatorEvent.Kind) -> (Entry.Kind, String?) {
        switch kind {
        case .started: (.started, nil)
        case .tick, .heard: (.tick, nil)
        case .aggregated: (.aggregated, nil)
        case .drainRequested: (.drain, nil)
        case .reconfigured: (.setting, nil)
        case .received(.hello(let hello)): (.hello, hello.client.name)
        case .received(.update(let update)): (.update, update.client.name)
        case .received(.failure(let failure)): (.failure, failure.client.name)
        case .received(.fetch(let fetch)): (.fetch, fetch.client.name)
        case .received(.heartbeat(let heartbeat)): (.heartbeat, heartbeat.client.name)
        case .received(.presence): (.presence, nil)
        case .received(.evaluation(let evaluation)): (.evaluation, evaluation.client.name)
        case .received(.goodbye(let goodbye)): (.goodbye, goodbye.client.name)
        }
    }

    private static func describe(_ kind: AggregatorEvent.Kind, bytes: Int) -> String {
        switch kind {
        case .started: "aggregator started"
        case .tick: "a deadline came"
        case .heard(let places): "nothing new but signs of life of \(places.reduce(0) { $0 + $1.count }) clients"
        case .aggregated(let version): "version \(version) aggregated, beside what came meanwhile"
        case .drainRequested(let patience): "drain requested, within \(patience)"
        case .reconfigured(let configuration): "settings changed: \(describe(configuration))"
        case .received(.hello(let hello)):
            "\(hello.client) hello, \(hello.sampleCount) samples"
        case .received(.update(let update)):
            "\(update.client) update for task \(update.task) from version \(update.baseVersion),"
                + " \(update.promptIDs.count) prompts, \(bytes) bytes"
        case .received(.heartbeat(let heartbeat)):
            "\(heartbeat.client) heartbeat, \(heartbeat.activity), task \(heartbeat.task)"
        case .received(.failure(let failure)): "\(failure.client) failed task \(failure.task): \(failure.reason)"
        case .received(.fetch(let fetch)): "\(fetch.client) asks for the state, holds version \(fetch.holding)"
        case .received(.presence(let presence)): "heartbeats of \(presence.heartbeats.count) clients"
        case .received(.evaluation(let evaluation)):
            "\(evaluation.client) evaluated version \(evaluation.version): \(decimal(100 * evaluation.accuracy, 1)) % of"
                + " \(evaluation.total.reduce(0, +)) samples"
        case .received(.goodbye(let goodbye)): "\(goodbye.client) goodbye"
        }
    }

    /// What may change in mid-run.
    private static func describe(_ configuration: FederationConfiguration) -> String {
        let stop = configuration.stop
        let plan = configuration.plan
        let mode =
            switch configuration.mode {
            case .buffered(let buffered): "buffer of \(buffered.size)"
            case .synchronous(let round): "cohort of \(round.cohort), deadline \(round.deadline)"
            case .continuous: "continuous"
            }
        let ends = [
            stop.versions > 0 ? "version \(stop.versions)" : nil, stop.updates > 0 ? "\(stop.updates) updates" : nil,
            stop.duration.map { "\($0)" },
        ].compactMap { $0 }
        return "\(mode), ends at \(ends.isEmpty ? "nothing" : ends.joined(separator: " or ")), rates"
            + " \(plan.promptLearningRate) and \(plan.headLearningRate)"
    }

    /// What a verdict holds beyond the effects.
    private static func describe(_ verdict: Verdict) -> String? {
        switch verdict {
        case .accepted: "accepted"
        case .tooLate: "accepted, too late for its round: discarded"
        case .duplicate: "a duplicate, dropped"
        case .rejected: nil
        }
    }

    private static func describe(_ effect: AggregatorEffect) -> String? {
        switch effect {
        case .publish(_, .task(let task)): "task \(task.number) to \(task.client) on version \(task.version)"
        case .publish(_, .reject(let reject)):
            "reject \(reject.client) task \(reject.task), \(reject.code): \(reject.reason)"
        case .publish(_, .refuse(let refuse)): "refuse \(refuse.client), \(refuse.code): \(refuse.reason)"
        case .failed(let failed):
            "\(failed.client) \(failed.isAskedAgain ? "may be asked again" : "is asked no more")"
        case .fenced(let client, _): "two processes speak for \(client)"
        case .flushed(let flush):
            "version \(flush.version) from \(flush.parts.count) updates, pool \(flush.pool),"
                + " staleness \(flush.parts.map { String($0.staleness) }.joined(separator: " "))"
        case .presenceChanged(let client, let presence): "\(client) is \(presence)"
        case .finish: "run finished"
        case .rest: "at rest"
        case .publish, .publishVersion, .judged, .evaluated: nil
        }
    }
}
