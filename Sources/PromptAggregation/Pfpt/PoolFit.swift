import CKernels

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The alternating maximization of Σ_t λ_t [log P(ω_t | z_t, Φ) + log P(z_t | Φ)] (equation 11, tempered by λ).
///
/// In each sweep, client by client: one step of Adam on the client's negative log-likelihood, then the client's matching
/// (equations 26 and 27). A client of weight λ takes λ of a step: Adam's decays are raised to the power λ and its step is
/// shortened by λ, so λ = 1 is Adam itself and λ → 0 leaves nothing behind.
///
/// Exact shortcuts: the covariance network needs gradients at the client's matched rows alone, since no other row enters
/// the Gaussian term; and the forward pass after a step serves both the matching that follows and the next client's step.
package final class PoolFit {
    private let layout: NetworkLayout
    private let options: PoolFitOptions
    package private(set) var evidence: [PoolEvidence]
    /// Rows of Φ, with those born during the fit.
    private(set) var pool: Int
    private let capacity: Int
    private var firstDecay: Double
    private var secondDecay: Double

    private let networks, networkFirst, networkSecond, networkGradient: FloatBuffer
    private let prompts, promptFirst, promptSecond, promptGradient: FloatBuffer
    private let start: FloatBuffer
    // Activations of every pool row, always those of the present parameters.
    private let hidden, logits, precision, logVariance, usage: FloatBuffer
    private let scratch: PoolFitScratch
    private var birth: BirthDensity?

    /// - Parameters:
    ///   - capacity: the most rows that Φ may grow to by births.
    package init(model: PoolModel, evidence: [PoolEvidence], options: PoolFitOptions, capacity: Int) {
        layout = model.layout
        self.options = options
        self.evidence = evidence
        pool = model.pool
        self.capacity = max(capacity, model.pool)
        firstDecay = model.firstDecay
        secondDecay = model.secondDecay
        let (width, hiddenCount) = (layout.width, layout.hidden)
        func buffer(_ count: Int, _ values: [Float] = []) -> FloatBuffer {
            let buffer = FloatBuffer(count: count)
            buffer.copy(values)
            return buffer
        }
        networks = buffer(layout.count, model.networks.values)
        networkFirst = buffer(layout.count, model.networks.first)
        networkSecond = buffer(layout.count, model.networks.second)
        networkGradient = buffer(layout.count)
        let rows = self.capacity
        prompts = buffer(rows * width, model.prompts.values)
        for place in 0..<pool * width {
            prompts[place] = max(-PoolEvidence.largest, min(PoolEvidence.largest, prompts[place]))
        }
        promptFirst = buffer(rows * width, model.prompts.first)
        promptSecond = buffer(rows * width, model.prompts.second)
        promptGradient = buffer(rows * width)
        start = buffer(rows * width, prompts.array(0..<pool * width))
        hidden = buffer(rows * 2 * hiddenCount)
        logits = buffer(rows * width)
        precision = buffer(rows * width)
        logVariance = buffer(rows)
        usage = buffer(rows)
        scratch = PoolFitScratch(
            locals: evidence.map(\.count).max() ?? 0, pool: rows, width: width, hidden: hiddenCount)
        forward()
        if let births = options.births, pool > 0 {
            let range = 0..<pool * width
            birth = BirthDensity(
                prompts: prompts.array(range), precisions: precision.array(range), width: width, logOdds: births.logOdds
            )
        }
    }

    /// The learnt values of the rows given, in that order.
    package func model(keeping rows: [Int]) -> PoolModel {
        var random = SeededRandom(seed: 0)
        var model = PoolModel(layout: layout, prompts: [], random: &random)
        model.firstDecay = firstDecay
        model.secondDecay = secondDecay
        model.networks.values = networks.array(0..<layout.count)
        model.networks.first = networkFirst.array(0..<layout.count)
        model.networks.second = networkSecond.array(0..<layout.count)
        func kept(_ buffer: FloatBuffer) -> [Float] {
            rows.flatMap { buffer.array($0 * layout.width..<($0 + 1) * layout.width) }
        }
        model.prompts.values = kept(prompts)
        model.prompts.first = kept(promptFirst)
        model.prompts.second = kept(promptSecond)
        return model
    }

    /// Runs the sweeps.
    package func run() {
        for _ in 0..<options.sweeps {
            for client in evidence.indices {
                step(client)
                forward()
                if !options.keepsMatches { match(client) }
            }
            let dropped = options.dropsUnsupported && dropUnsupported()
            if options.promptStep == .mean { movePromptsToMeans() }
            if dropped || options.promptStep == .mean { forward() }
        }
    }

    /// Closes the pool up over the rows that no client is matched with; says whether there were any.
    private func dropUnsupported() -> Bool {
        let support = support()
        let kept = support.indices.filter { support[$0] > 0 }
        guard kept.count < pool else { return false }
        var place = [Int](repeating: -1, count: pool)
        let width = layout.width
        for (new, old) in kept.enumerated() {
            place[old] = new
            for buffer in [prompts, promptFirst, promptSecond, start] where new != old {
                buffer.at(new * width).update(from: buffer.at(old * width), count: width)
            }
        }
        for client in evidence.indices {
            evidence[client].matches = evidence[client].matches.map { $0 < 0 ? -1 : place[$0] }
        }
        pool = kept.count
        return true
    }

    /// Σ_t λ_t [log P(ω_t | z_t, Φ) + log P(z_t | Φ)], in nats; rows without a match do not enter.
    package func objective() -> Double {
        var unused = 0.0
        for row in 0..<pool { unused -= softplus(Double(usage[row])) }
        var total = 0.0
        for item in evidence where item.count > 0 {
            let gains = gains(of: item)
            var sum = unused
            for (local, row) in item.matches.enumerated() where row >= 0 { sum += Double(gains[local * pool + row]) }
            total += item.weight * sum
        }
        return total
    }

    /// Σ_t λ_t [row is used by t], for each row of Φ.
    func support() -> [Double] {
        var support = [Double](repeating: 0, count: pool)
        for item in evidence {
            for row in item.matches where row >= 0 { support[row] += item.weight }
        }
        return support
    }

    // MARK: The networks

    private func forward() {
        let (width, count) = (layout.width, layout.hidden)
        aggregation_gemm(
            pool, 2 * count, width, prompts.start, width, 1, networks.at(layout.firstWeight), 2 * count, hidden.start,
            2 * count, 0)
        aggregation_bias_relu(pool, 2 * count, networks.at(layout.firstBias), hidden.start)
        aggregation_gemm(
            pool, width, count, hidden.start, 2 * count, 1, networks.at(layout.varianceWeight), width, logits.start,
            width, 0)
        aggregation_precision(
            pool, width, networks.at(layout.varianceBias), logits.start, precision.start, logVariance.start)
        aggregation_gemm_transposed(
            pool, 1, count, hidden.at(count), 2 * count, networks.at(layout.usageWeight), count, usage.start, 1, 0)
        for row in 0..<pool { usage[row] += networks[layout.usageBias] }
    }

    private func step(_ client: Int) {
        let item = evidence[client]
        guard item.count > 0 else { return }
        promptGradient.fill(0, count: pool * layout.width)
        varianceGradient(item)
        usageGradient(item)
        let weight = item.weight
        let beta1 = weight == 1 ? PoolFitOptions.beta1 : power(PoolFitOptions.beta1, weight)
        let beta2 = weight == 1 ? PoolFitOptions.beta2 : power(PoolFitOptions.beta2, weight)
        firstDecay *= beta1
        secondDecay *= beta2
        let step = Float(options.learningRate * weight / (1 - firstDecay))
        let scale = Float(1 / (1 - secondDecay).squareRoot())
        aggregation_adam(
            layout.count, networks.start, networkFirst.start, networkSecond.start, networkGradient.start, Float(beta1),
            Float(beta2), step, scale, PoolFitOptions.epsilon)
        guard options.promptStep == .gradient else { return }
        aggregation_adam(
            pool * layout.width, prompts.start, promptFirst.start, promptSecond.start, promptGradient.start,
            Float(beta1), Float(beta2), step, scale, PoolFitOptions.epsilon)
    }

    /// −log N(ω_t | φ, σ(γ(φ))) by γ and by Φ.
    private func varianceGradient(_ item: PoolEvidence) {
        let (width, count) = (layout.width, layout.hidden)
        var touched: [Int] = []
        for (local, row) in item.matches.enumerated() where row >= 0 {
            let place = touched.count
            touched.append(row)
            item.rows.withUnsafeBufferPointer { rows in
                aggregation_normal_gradients(
                    width, rows.baseAddress! + local * width, prompts.at(row * width), precision.at(row * width),
                    PoolEvidence.largest, promptGradient.at(row * width), scratch.byLogit.at(place * width))
            }
            scratch.inputs.at(place * width).update(from: prompts.at(row * width), count: width)
            scratch.hidden.at(place * count).update(from: hidden.at(row * 2 * count), count: count)
        }
        let rows = touched.count
        let (byLogit, byHidden) = (scratch.byLogit.start, scratch.byHidden.start)
        aggregation_gemm(
            count, width, rows, scratch.hidden.start, 1, count, byLogit, width,
            networkGradient.at(layout.varianceWeight), width, 0)
        sumRows(byLogit, rows, width, into: networkGradient.at(layout.varianceBias))
        aggregation_gemm_transposed(
            rows, count, width, byLogit, width, networks.at(layout.varianceWeight), width, byHidden, count, 0)
        for place in 0..<rows * count where scratch.hidden[place] <= 0 { byHidden[place] = 0 }
        aggregation_gemm(
            width, count, rows, scratch.inputs.start, 1, width, byHidden, count,
            networkGradient.at(layout.firstWeight), 2 * count, 0)
        sumRows(byHidden, rows, count, into: networkGradient.at(layout.firstBias))
        guard options.promptStep == .gradient else { return }
        aggregation_gemm_transposed(
            rows, width, count, byHidden, count, networks.at(layout.firstWeight), 2 * count, scratch.byInput.start,
            width, 0)
        for (place, row) in touched.enumerated() {
            let (target, source) = (promptGradient.at(row * width), scratch.byInput.at(place * width))
            for column in 0..<width { target[column] += source[column] }
        }
    }

    /// −log P(z_t | Φ) by w and by Φ (equation 10): every row of the pool enters, used or not.
    private func usageGradient(_ item: PoolEvidence) {
        let (width, count) = (layout.width, layout.hidden)
        for row in 0..<pool { scratch.byUsage[row] = 1 / (1 + exp(-usage[row])) }
        for row in item.matches where row >= 0 { scratch.byUsage[row] -= 1 }
        let byUsage = scratch.byUsage.start
        aggregation_gemm(
            1, count, pool, byUsage, 0, 1, hidden.at(count), 2 * count, networkGradient.at(layout.usageWeight), count, 0
        )
        var bias: Float = 0
        let weights = networks.at(layout.usageWeight)
        let byHidden = scratch.byUsageHidden.start
        for row in 0..<pool {
            bias += byUsage[row]
            let active = hidden.at(row * 2 * count + count)
            for place in 0..<count {
                byHidden[row * count + place] = active[place] > 0 ? byUsage[row] * weights[place] : 0
            }
        }
        networkGradient[layout.usageBias] = bias
        aggregation_gemm(
            width, count, pool, prompts.start, 1, width, byHidden, count,
            networkGradient.at(layout.firstWeight + count),
            2 * count, 0)
        sumRows(byHidden, pool, count, into: networkGradient.at(layout.firstBias + count))
        guard options.promptStep == .gradient else { return }
        aggregation_gemm_transposed(
            pool, width, count, byHidden, count, networks.at(layout.firstWeight + count), 2 * count,
            promptGradient.start, width, 1)
    }

    private func sumRows(
        _ matrix: UnsafeMutablePointer<Float>, _ rows: Int, _ columns: Int, into sum: UnsafeMutablePointer<Float>
    ) {
        aggregation_gemm(1, columns, rows, scratch.ones.start, 0, 1, matrix, columns, sum, columns, 0)
    }

    // MARK: The matching

    /// log N(ω_tk | φ_i, σ(γ(φ_i))) + g(φ_i), [locals, pool] (equation 27).
    private func gains(of item: PoolEvidence) -> UnsafeMutablePointer<Float> {
        let constant = 0.5 * Float(layout.width) * Float(log(2 * Double.pi))
        for row in 0..<pool { scratch.offset[row] = usage[row] - 0.5 * logVariance[row] - constant }
        item.rows.withUnsafeBufferPointer { rows in
            aggregation_gains(
                item.count, pool, layout.width, rows.baseAddress!, prompts.start, precision.start,
                scratch.offset.start, scratch.gains.start)
        }
        return scratch.gains.start
    }

    private func match(_ client: Int) {
        let item = evidence[client]
        guard item.count > 0 else { return }
        let gains = gains(of: item)
        let births = birthGains(of: item)
        let columns = pool + births.count
        var matrix = [Double](repeating: -.infinity, count: item.count * columns)
        for local in 0..<item.count {
            for row in 0..<pool { matrix[local * columns + row] = Double(gains[local * pool + row]) }
            if !births.isEmpty { matrix[local * columns + pool + local] = births[local] }
        }
        let matches: [Int?]
        do {
            matches = try LinearAssignment.maximize(gains: matrix, rows: item.count, columns: columns)
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
        if pool > present { forward() }
    }

    /// What each row would gain from a prompt of its own; empty where this client may not have any.
    private func birthGains(of item: PoolEvidence) -> [Double] {
        guard let birth, let births = options.births, item.weight >= births.leastWeight, pool + item.count <= capacity
        else { return [] }
        let least = births.leastDistance * births.leastDistance * birth.squaredDistance
        return (0..<item.count).map { local in
            let row = item.rows[local * layout.width..<(local + 1) * layout.width]
            return squaredDistance(row) < least ? -.infinity : birth.logDensity(row)
        }
    }

    /// From a row to the nearest prompt.
    private func squaredDistance(_ row: ArraySlice<Float>) -> Double {
        row.withUnsafeBufferPointer { row in
            var nearest = Double.infinity
            for place in 0..<pool {
                let prompt = prompts.at(place * layout.width)
                var sum: Float = 0
                for column in 0..<row.count { sum += (row[column] - prompt[column]) * (row[column] - prompt[column]) }
                nearest = min(nearest, Double(sum))
            }
            return nearest
        }
    }

    /// A new prompt where the row is.
    private func bear(_ item: PoolEvidence, _ local: Int) -> Int {
        let row = pool
        pool += 1
        let values = Array(item.rows[local * layout.width..<(local + 1) * layout.width])
        prompts.copy(values, at: row * layout.width)
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
        for row in 0..<pool where weights[row] > 0 {
            for place in row * width..<(row + 1) * width {
                let sum = sums[place] + options.inertia * Double(start[place])
                prompts[place] = Float(sum / (weights[row] + options.inertia))
            }
        }
    }
}

/// Room for one client's gradients and gains.
private final class PoolFitScratch {
    let inputs, hidden, byLogit, byHidden, byInput: FloatBuffer
    let byUsage, byUsageHidden, offset, gains, ones: FloatBuffer

    init(locals: Int, pool: Int, width: Int, hidden hiddenCount: Int) {
        inputs = FloatBuffer(count: locals * width)
        hidden = FloatBuffer(count: locals * hiddenCount)
        byLogit = FloatBuffer(count: locals * width)
        byHidden = FloatBuffer(count: locals * hiddenCount)
        byInput = FloatBuffer(count: locals * width)
        byUsage = FloatBuffer(count: pool)
        byUsageHidden = FloatBuffer(count: pool * hiddenCount)
        offset = FloatBuffer(count: pool)
        gains = FloatBuffer(count: locals * pool)
        ones = FloatBuffer(count: max(locals, pool))
        ones.fill(1, count: ones.count)
    }
}

/// log(1 + e^x).
func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }
