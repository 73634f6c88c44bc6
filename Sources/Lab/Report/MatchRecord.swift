import Federation
import PromptAggregation

/// Which prompts of clients the strategy matched with prompts of the pool: in one version, and counted over the run.
struct MatchRecord {
    /// A client's prompt in a flush.
    struct Match: Hashable {
        var client: String
        /// The prompt of the pool that the client tuned it from.
        var origin: PromptID
        /// nil where it was matched with none.
        var target: PromptID?
    }
    private struct Key: Hashable {
        var client: ClientID
        var task: UInt64
    }
    struct Use: Hashable {
        var client: String
        var prompt: PromptID
    }

    /// Of the version that was asked for, or of the last with any.
    private(set) var version: Version?
    private(set) var matches: [Match] = []
    /// How often a prompt of a client was matched with one of the pool, over the whole run.
    private(set) var uses: [Use: Int] = [:]
    private let wanted: Version?
    private var origins: [Key: [PromptID]] = [:]

    init(version: Version?) { wanted = version }

    mutating func take(_ update: ClientMessage.Update) {
        origins[Key(client: update.client, task: update.task)] = update.promptIDs
    }

    mutating func take(_ flush: Flush) {
        var found: [Match] = []
        for (part, targets) in zip(flush.parts, flush.report.matches) {
            let origins = origins[Key(client: part.client, task: part.task)] ?? []
            for (origin, target) in zip(origins, targets) {
                let isMatched = target != FlushReport.unmatched
                found.append(Match(client: part.client.name, origin: origin, target: isMatched ? target : nil))
                if isMatched { uses[Use(client: part.client.name, prompt: target), default: 0] += 1 }
            }
        }
        for part in flush.parts {
            origins[Key(client: part.client, task: part.task)] = nil
        }
        guard !found.isEmpty, wanted == nil || wanted == flush.version else { return }
        version = flush.version
        matches = found
    }
}
