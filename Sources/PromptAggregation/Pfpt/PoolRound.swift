/// What synchronous and asynchronous PFPT share around the fit.
enum PoolRound {
    /// A random one-to-one placing of `count` rows among `pool`, with which the authors' code begins.
    static func randomMatches(count: Int, pool: Int, random: inout SeededRandom) -> [Int] {
        var places = Array(0..<pool)
        places.shuffle(using: &random)
        return Array(places.prefix(count))
    }

    /// The pool that begins as the union of all local prompts, with new networks and random matches.
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

    /// λ_t = s(τ_t) · share(n_t): the share is n_t over the typical sample count, or 1 when all clients count alike.
    ///
    /// Typical is the geometric mean, in which each contribution has the weight s(τ_t): one client of enormous size does not
    /// make all others light, as the largest count would, and what has a vanishing weight does not move it, as it could
    /// move the median. Where samples count, λ is 0 without any.
    static func weights(of sampleCounts: [Int], stalenessWeights: [Double], bySamples: Bool) -> [Double] {
        guard bySamples else { return stalenessWeights.map { max(0, $0) } }
        let weights = zip(sampleCounts, stalenessWeights).map { $0 > 0 ? max(0, $1) : 0 }
        let total = weights.reduce(0, +)
        guard total > 0 else { return weights }
        let logarithms = sampleCounts.map { Elementary.log(Double(max($0, 1))) }
        let typical = zip(weights, logarithms).reduce(0) { $0 + $1.0 / total * $1.1 }
        return zip(weights, logarithms).map { $0 * Elementary.exp($1 - typical) }
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

extension Contribution {
    /// The same with its prompts carried along with what the pool did since the client took them, φ_now + (ω − φ_base):
    /// what the client changed, seen from where the pool is now. A prompt that has left the pool stays as it is.
    func carried(to pool: PromptState) -> Contribution {
        guard var prompts = parameters[Parameters.prompts] else { return self }
        let (present, started) = (RowIndex(pool.promptIDs), RowIndex(base.promptIDs))
        let (now, then, width) = (pool.prompts.values, base.prompts.values, pool.width)
        for (row, id) in promptIDs.enumerated() {
            guard let target = present[id], let origin = started[id] else { continue }
            for column in 0..<width {
                prompts.values[row * width + column] +=
                    now[target * width + column] - then[origin * width + column]
            }
        }
        var carried = self
        carried.parameters[Parameters.prompts] = prompts
        return carried
    }
}
