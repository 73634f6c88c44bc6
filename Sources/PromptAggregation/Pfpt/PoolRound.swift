/// What synchronous and asynchronous PFPT share around the fit.
enum PoolRound {
    /// A random one-to-one placing of `count` rows among `pool`, with which the authors' code begins.
    static func randomMatches(count: Int, pool: Int, random: inout SeededRandom) -> [Int] {
        var places = Array(0..<pool)
        places.shuffle(using: &random)
        return Array(places.prefix(count))
    }

    /// The pool that begins as the union of all local prompts, networks anew, matches at random.
    static func coldStart(
        _ evidence: [PoolEvidence], layout: NetworkLayout, random: inout SeededRandom
    ) -> (model: PoolModel, evidence: [PoolEvidence]) {
        let model = PoolModel(layout: layout, prompts: evidence.flatMap(\.rows), random: &random)
        var evidence = evidence
        for client in evidence.indices {
            evidence[client].matches = randomMatches(count: evidence[client].count, pool: model.pool, random: &random)
        }
        return (model, evidence)
    }

    /// In a pool that is the union of all local prompts, matches every row with itself.
    static func matchWithThemselves(_ evidence: inout [PoolEvidence]) {
        var first = 0
        for client in evidence.indices {
            evidence[client].matches = Array(first..<first + evidence[client].count)
            first += evidence[client].count
        }
    }

    /// λ_t = s(τ_t) · share(n_t): the share is n_t over the largest, or 1 when all clients count alike.
    static func weights(of sampleCounts: [Int], stalenessWeights: [Double], bySamples: Bool) -> [Double] {
        let largest = Double(sampleCounts.max() ?? 0)
        return zip(sampleCounts, stalenessWeights).map { samples, staleness in
            let share = bySamples ? (largest > 0 ? Double(samples) / largest : 0) : 1
            return min(1, max(0, staleness * share))
        }
    }

    /// The rows of a contribution's prompts, by value.
    static func rows(of contribution: Contribution) -> [Float] {
        contribution.parameters[Parameters.prompts]?.values ?? []
    }

    /// Names for surviving rows that have none: the pool's prompt from which most of a row's matched prompts started, if
    /// that one is still without a successor; otherwise a new identity.
    ///
    /// - Parameters:
    ///   - survivors: rows of Φ.
    ///   - matches: for each client, the row of Φ of each of its prompts.
    ///   - origins: for each client, the identity from which each of its prompts started.
    static func identities(
        of survivors: [Int], matches: [[Int]], origins: [[PromptID]], pool: [PromptID], next: inout PromptID
    ) -> [PromptID] {
        let present = RowIndex(pool)
        var taken = [Bool](repeating: false, count: pool.count)
        return survivors.map { row in
            var votes = [Int](repeating: 0, count: pool.count)
            for (clientMatches, clientOrigins) in zip(matches, origins) {
                for (match, origin) in zip(clientMatches, clientOrigins) where match == row {
                    if let place = present[origin], !taken[place] { votes[place] += 1 }
                }
            }
            guard let most = votes.max(), most > 0, let place = votes.firstIndex(of: most) else {
                defer { next += 1 }
                return next
            }
            taken[place] = true
            return pool[place]
        }
    }

    /// A first identity that no prompt of the state has.
    static func firstFreeIdentity(after state: PromptState) -> PromptID { (state.promptIDs.max() ?? 0) + 1 }
}
