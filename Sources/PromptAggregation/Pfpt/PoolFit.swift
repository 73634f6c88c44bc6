import CKernels

/// The alternating maximization of Σ_t λ_t [log P(ω_t | z_t, Φ) + log P(z_t | Φ)] (equation 11, tempered by λ).
///
/// A sweep takes one step of Adam on each term of the objective (every client's Gaussian term, then the usage term of all
/// clients), and then the best matching of every client (equations 26 and 27). For given Φ, γ and w the matchings of the
/// clients do not depend on each other, so together they are the exact maximum over z.
///
/// A client of weight λ takes λ of a step (`AdamValues.step`), and one step where λ is above 1. Only rows that a client is matched with enter its Gaussian
/// term, so the networks run over the whole pool once a sweep.
package final class PoolFit {
    private let layout: NetworkLayout
    private let options: PoolFitOptions
    package private(set) var evidence: [PoolEvidence]
    /// Rows of Φ, with those born during the fit.
    package private(set) var pool: Int
    private let capacity: Int

    private let covariance: PoolNetwork
    private let usage: PoolNetwork
    private let prompts: AdamValues
    private let start: FloatBuffer
    // Of every row of the pool, under the present parameters once `forward` has run.
    private let precision, logVariance, logOdds: FloatBuffer
    private let scratch: PoolFitScratch
    private let kernels = aggregation_kernels_chosen().pointee
    private var birth: BirthDensity?

    /// - Parameters:
    ///   - capacity: the most rows that Φ may grow to by births.
    package init(model: PoolModel, evidence: [PoolEvidence], options: PoolFitOptions, capacity: Int) {
        layout = model.layout
        self.options = options
        self.evidence = evidence
        pool = model.pool
        let rows = max(capacity, model.pool)
        self.capacity = rows
        let width = layout.width
        covariance = PoolNetwork(model.covariance, layers: layout.covariance, rows: rows)
        usage = PoolNetwork(model.usage, layers: layout.usage, rows: rows)
        prompts = AdamValues(model.prompts, capacity: rows * width)
        for place in 0..<pool * width {
            prompts.values[place] = max(-PoolEvidence.largest, min(PoolEvidence.largest, prompts.values[place]))
        }
        start = FloatBuffer(count: rows * width)
        start.copy(prompts.values.array(0..<pool * width))
        precision = FloatBuffer(count: rows * width)
        logVariance = FloatBuffer(count: rows)
        logOdds = FloatBuffer(count: rows)
        scratch = PoolFitScratch(locals: evidence.map(\.count).max() ?? 0, pool: rows, width: width)
        forward(0..<pool)
        if let births = options.births, pool > 0 {
            let range = 0..<pool * width
            birth = BirthDensity(
                prompts: prompts.values.array(range), precisions: precision.array(range), width: width,
                logOdds: births.logOdds)
        }
    }

    /// The learnt values of the rows given, in that order.
    package func model(keeping rows: [Int]) -> PoolModel {
        var random = SeededRandom(seed: 0)
        var model = PoolModel(layout: layout, prompts: [], random: &random)
        model.covariance = covariance.learned
        model.usage = usage.learned
        model.prompts = prompts.learned(rows: rows, width: layout.width)
        return model
    }

    /// Runs the sweeps.
    package func run() {
        for _ in 0..<options.sweeps {
            for item in evidence where item.count > 0 { gaussianStep(item) }
            usageStep()
            if !options.keepsMatches {
                forward(0..<pool)
                for client in evidence.indices where evidence[client].count > 0 { match(client) }
            }
            if options.drop == .sweep { dropUnsupported() }
            if options.promptStep == .mean { movePromptsToMeans() }
        }
        if options.drop == .end { dropUnsupported() }
        forward(0..<pool)
    }

    /// Closes the pool up over the rows that no client is matched with.
    private func dropUnsupported() {
        let support = support()
        let kept = support.indices.filter { support[$0] > 0 }
        guard kept.count < pool else { return }
        var place = [Int](repeating: -1, count: pool)
        let width = layout.width
        for (new, old) in kept.enumerated() {
            place[old] = new
            guard new != old else { continue }
            prompts.move(old * width, to: new * width, count: width)
            start.at(new * width).update(from: start.at(old * width), count: width)
        }
        for client in evidence.indices {
            evidence[client].matches = evidence[client].matches.map { $0 < 0 ? -1 : place[$0] }
        }
        pool = kept.count
    }

    /// Σ_t λ_t [log P(ω_t | z_t, Φ) + log P(z_t | Φ)], in nats; rows without a match do not enter.
    package func objective() -> Double {
        var unused = 0.0
        for row in 0..<pool { unused -= Elementary.softplus(Double(logOdds[row])) }
        setOffsets()
        var total = 0.0
        for item in evidence where item.count > 0 {
            var sum = unused
            for (local, row) in item.matches.enumerated() where row >= 0 {
                sum += Double(gains(of: item, local, rows: row..<row + 1)[0])
            }
            total += item.weight * sum
        }
        return total
    }

    /// Σ_t λ_t [row is used by t], for each row of Φ.
    package func support() -> [Double] {
        var support = [Double](repeating: 0, count: pool)
        for item in evidence {
            for row in item.matches where row >= 0 { support[row] += item.weight }
        }
        return support
    }

    // MARK: The networks

    /// 1/α, log |α| and g of some rows of the pool.
    private func forward(_ rows: Range<Int>) {
        let (width, first) = (layout.width, rows.lowerBound)
        let (input, logits) = (prompts.values.at(first * width), scratch.logits.start)
        covariance.forward(rows: rows.count, input: input, output: logits)
        kernels.precision(
            rows.count, width, covariance.outputBias, logits, precision.at(first * width), logVariance.at(first))
        usage.forward(rows: rows.count, input: input, output: logOdds.at(first))
        for row in rows { logOdds[row] += usage.outputBias[0] }
    }

    /// A step on −log N(ω_t | φ, α(φ)): γ, and Φ where it follows the gradient.
    private func gaussianStep(_ item: PoolEvidence) {
        let width = layout.width
        let matched = item.matches.indices.filter { item.matches[$0] >= 0 }
        guard !matched.isEmpty else { return }
        let (inputs, logits, precision) = (scratch.inputs.start, scratch.logits.start, scratch.precision.start)
        for (place, local) in matched.enumerated() {
            (inputs + place * width).update(from: prompts.values.at(item.matches[local] * width), count: width)
        }
        covariance.forward(rows: matched.count, input: inputs, output: logits)
        kernels.precision(
            matched.count, width, covariance.outputBias, logits, precision, scratch.logVariance.start)
        item.rows.withUnsafeBufferPointer { rows in
            for (place, local) in matched.enumerated() {
                let first = place * width
                kernels.normal_gradients(
                    width, rows.baseAddress! + local * width, inputs + first, precision + first, PoolEvidence.largest,
                    scratch.byMean.at(first), scratch.byLogit.at(first))
            }
        }
        let followsGradient = options.promptStep == .gradient
        covariance.backward(
            rows: matched.count, input: inputs, byOutput: scratch.byLogit.start,
            byInput: followsGradient ? scratch.byInput.start : nil)
        covariance.step(weight: min(1, item.weight), learningRate: options.learningRate)
        guard followsGradient else { return }
        prompts.gradient.fill(0, count: pool * width)
        for (place, local) in matched.enumerated() {
            let target = prompts.gradient.at(item.matches[local] * width)
            for column in 0..<width {
                target[column] = scratch.byMean[place * width + column] + scratch.byInput[place * width + column]
            }
        }
        prompts.step(count: pool * width, weight: min(1, item.weight), learningRate: options.learningRate)
    }

    /// A step on −Σ_t λ_t log P(z_t | Φ): w, and Φ where it follows the gradient. By equation 10 every row of the pool
    /// enters for every client, used or not.
    private func usageStep() {
        let weight = min(1, evidence.reduce(0) { $1.count > 0 ? max($0, $1.weight) : $0 })
        let total = evidence.reduce(0) { $1.count > 0 ? $0 + $1.weight : $0 }
        guard weight > 0 else { return }
        usage.forward(rows: pool, input: prompts.values.start, output: logOdds.start)
        for (row, support) in support().enumerated() {
            let used = 1 / (1 + Elementary.exp(-Double(logOdds[row] + usage.outputBias[0])))
            scratch.byLogOdds[row] = Float(total * used - support)
        }
        let followsGradient = options.promptStep == .gradient
        usage.backward(
            rows: pool, input: prompts.values.start, byOutput: scratch.byLogOdds.start,
            byInput: followsGradient ? prompts.gradient.start : nil)
        usage.step(weight: weight, learningRate: options.learningRate)
        guard followsGradient else { return }
        prompts.step(count: pool * layout.width, weight: weight, learningRate: options.learningRate)
    }

    // MARK: The matching

    /// What a gain has beside the squares, of every row of the pool.
    private func setOffsets() {
        let constant = 0.5 * Float(layout.width) * Float(Elementary.log(2 * Double.pi))
        for row in 0..<pool { scratch.offset[row] = logOdds[row] - 0.5 * logVariance[row] - constant }
    }

    /// log N(ω_tk | φ_i, α(φ_i)) + g(φ_i) of one row of the evidence, for some rows of the pool (equation 27).
    private func gains(of item: PoolEvidence, _ local: Int, rows: Range<Int>) -> UnsafeMutablePointer<Float> {
        let (width, first) = (layout.width, rows.lowerBound)
        item.rows.withUnsafeBufferPointer { locals in
            kernels.gains(
                1, rows.count, width, locals.baseAddress! + local * width, prompts.values.at(first * width),
                precision.at(first * width), scratch.offset.at(first), scratch.rowGains.start)
        }
        return scratch.rowGains.start
    }

    /// The gains of a client's matching, those that are certain to be far below the largest of their row left out.
    ///
    /// - Parameter births: what each row would gain from a prompt of its own; empty for none.
    private func likelyGains(of item: PoolEvidence, births: [Double]) -> ScreenedGains {
        setOffsets()
        for local in 0..<item.count {
            let row = item.matches[local]
            let present = row < 0 ? -Float.infinity : gains(of: item, local, rows: row..<row + 1)[0]
            scratch.floors[local] = aggregation_gain_floor(
                births.isEmpty ? present : max(present, Float(births[local])))
        }
        item.rows.withUnsafeBufferPointer { rows in
            kernels.likely_gains(
                item.count, pool, layout.width, rows.baseAddress!, prompts.values.start, precision.start,
                scratch.offset.start, scratch.floors.start, scratch.gains.start)
        }
        var screened = ScreenedGains(rows: item.count, columns: pool + births.count)
        for local in 0..<item.count {
            screened.set(local, to: scratch.gains.at(local * pool), count: pool, floor: scratch.floors[local])
            if !births.isEmpty { screened[local, pool + local] = births[local] }
        }
        return screened
    }

    private func match(_ client: Int) {
        let item = evidence[client]
        let births = birthGains(of: item)
        var screened = likelyGains(of: item, births: births)
        let matches: [Int?]
        do {
            matches = try screened.maximize { local in (gains(of: item, local, rows: 0..<pool), pool) }
        } catch {
            preconditionFailure("the gains of bounded prompts are finite, but \(error)")
        }
        let present = pool
        for (local, column) in matches.enumerated() {
            switch column {
            case let row? where row < present: evidence[client].matches[local] = row
            case .some: evidence[client].matches[local] = bear(item, local)
            case nil: evidence[client].matches[local] = -1
            }
        }
        if pool > present { forward(present..<pool) }
    }

    /// What each row would gain from a prompt of its own, −∞ for one near a prompt; empty where this client may not have
    /// any, or where it has more rows near prompts than the pool has prompts.
    private func birthGains(of item: PoolEvidence) -> [Double] {
        guard let birth, let births = options.births, item.weight >= births.leastWeight, pool + item.count <= capacity
        else { return [] }
        let least = births.leastDistance * births.leastDistance * birth.squaredDistance
        let gains = (0..<item.count).map { local in
            let row = item.rows[local * layout.width..<(local + 1) * layout.width]
            return isNear(row, item.matches[local], within: least) ? -.infinity : birth.logDensity(row)
        }
        return gains.count { $0 == -.infinity } > pool ? [] : gains
    }

    /// Whether a prompt lies closer to a row than a squared distance: perhaps the one that the row is matched with, so
    /// that one is tried first.
    private func isNear(_ row: ArraySlice<Float>, _ match: Int, within least: Double) -> Bool {
        row.withUnsafeBufferPointer { row in
            (match >= 0 && isNear(row, match, within: least)) || (0..<pool).contains { isNear(row, $0, within: least) }
        }
    }

    /// A sum of squares only grows, so it ends as soon as it is too large.
    private func isNear(_ row: UnsafeBufferPointer<Float>, _ place: Int, within least: Double) -> Bool {
        let prompt = prompts.values.at(place * layout.width)
        var sum: Float = 0
        for column in 0..<row.count {
            sum += (row[column] - prompt[column]) * (row[column] - prompt[column])
            if column % 64 == 63 && Double(sum) >= least { return false }
        }
        return Double(sum) < least
    }

    /// A new prompt where the row is.
    private func bear(_ item: PoolEvidence, _ local: Int) -> Int {
        let row = pool
        pool += 1
        let values = Array(item.rows[local * layout.width..<(local + 1) * layout.width])
        prompts.values.copy(values, at: row * layout.width)
        start.copy(values, at: row * layout.width)
        return row
    }

    private func movePromptsToMeans() {
        let width = layout.width
        var sums = [Double](repeating: 0, count: pool * width)
        var weights = [Double](repeating: 0, count: pool)
        for item in evidence {
            for (local, row) in item.matches.enumerated() where row >= 0 {
                weights[row] += item.weight
                for column in 0..<width {
                    sums[row * width + column] += item.weight * Double(item.rows[local * width + column])
                }
            }
        }
        for row in 0..<pool where weights[row] >= PoolEvidence.leastWeight {
            for place in row * width..<(row + 1) * width {
                let sum = sums[place] + options.inertia * Double(start[place])
                prompts.values[place] = Float(sum / (weights[row] + options.inertia))
            }
        }
    }
}
