/// The aggregation of PFPT's authors, step by step in Float64 (`Algo/nonparametric_aggregation.py` of their code).
///
/// It differs from the paper: the covariance network's output is a standard deviation; the usage term is
/// n_t · log Bernoulli(c_i) under the present c_i, in place of the log-odds; in the loss only matched prompts enter it; and
/// a client is matched by the gains from before its step.
package struct ReferenceFit: Sendable {
    package let clients: Int
    package let promptsPerClient: Int
    package let width: Int
    /// [clients · promptsPerClient, width]: every client's prompts, one client after the other.
    let locals: [Double]
    /// The pool: [clients · promptsPerClient, width].
    package private(set) var centroids: ReferenceParameter
    package private(set) var covariance: ReferenceNetwork
    package private(set) var usage: ReferenceNetwork
    /// The pool row of each prompt of each client.
    package private(set) var matches: [[Int]]
    private var steps = 0

    package init(
        locals: [Double], clients: Int, promptsPerClient: Int, width: Int, covariance: ReferenceNetwork,
        usage: ReferenceNetwork, matches: [[Int]]
    ) {
        self.locals = locals
        self.clients = clients
        self.promptsPerClient = promptsPerClient
        self.width = width
        centroids = ReferenceParameter(locals)
        self.covariance = covariance
        self.usage = usage
        self.matches = matches
    }

    private var pool: Int { clients * promptsPerClient }

    /// The rows that some client is matched with, ascending.
    package var survivors: [Int] {
        (0..<pool).filter { row in matches.contains { $0.contains(row) } }
    }

    /// Runs the sweeps.
    ///
    /// - Parameter observe: called after every matching with what it maximized, [promptsPerClient, pool], and its result.
    /// - Throws: `AssignmentError` when a gain is no longer a number.
    package mutating func run(
        sweeps: Int, observe: (_ gains: [Double], _ matches: [Int]) -> Void = { _, _ in }
    ) throws(AssignmentError) {
        for _ in 0..<sweeps {
            for client in 0..<clients {
                let gains = step(client)
                let columns = try LinearAssignment.maximize(gains: gains, rows: promptsPerClient, columns: pool)
                matches[client] = columns.compactMap { $0 }
                observe(gains, matches[client])
            }
        }
    }

    /// The paper's objective (equation 11) of the published prompts under this fit's networks, σ² being the variance, so
    /// that it compares with what `PoolFit.objective` says of its own; in nats, not finite for extreme prompts.
    package func objective() -> Double {
        let survivors = survivors
        let passes = survivors.map { row in
            let row = Array(centroids.values[row * width..<(row + 1) * width])
            return (row: row, sigma: covariance.pass(row).output, used: Self.clamped(usage.pass(row).output[0]))
        }
        var total = 0.0
        for client in 0..<clients {
            for (row, pass) in zip(survivors, passes) {
                guard let local = matches[client].firstIndex(of: row) else {
                    total += Elementary.log1p(-pass.used)
                    continue
                }
                total += Elementary.log(pass.used)
                for column in 0..<width {
                    let first = (client * promptsPerClient + local) * width
                    let scaled = (locals[first + column] - pass.row[column]) / pass.sigma[column]
                    total -=
                        0.5 * (scaled * scaled + Elementary.log(2 * Double.pi)) + Elementary.log(pass.sigma[column])
                }
            }
        }
        return total
    }

    /// One step of Adam on a client's negative log-likelihood; returns the gains from before the step.
    private mutating func step(_ client: Int) -> [Double] {
        let rows = (0..<pool).map { Array(centroids.values[$0 * width..<($0 + 1) * width]) }
        let deviations = rows.map { covariance.pass($0) }
        let probabilities = rows.map { usage.pass($0) }
        let gains = gains(client, deviations, probabilities)
        descend(client, deviations, probabilities)
        return gains
    }

    private func gains(
        _ client: Int, _ deviations: [ReferenceNetwork.Pass], _ probabilities: [ReferenceNetwork.Pass]
    ) -> [Double] {
        var used = [Bool](repeating: false, count: pool)
        for row in matches[client] { used[row] = true }
        let count = Double(promptsPerClient)
        let first = client * promptsPerClient
        let constant = Elementary.log((2 * Double.pi).squareRoot())
        var gains = [Double](repeating: 0, count: promptsPerClient * pool)
        for row in 0..<pool {
            let p = Self.clamped(probabilities[row].output[0])
            let bernoulli = count * (used[row] ? Elementary.log(p) : Elementary.log1p(-p))
            let mean = deviations[row].input
            let sigma = deviations[row].output
            let logSigma = sigma.reduce(0) { $0 + Elementary.log($1) + constant }
            for local in 0..<promptsPerClient {
                var sum = 0.0
                for column in 0..<width {
                    let residual = locals[(first + local) * width + column] - mean[column]
                    sum += residual * residual / (2 * (sigma[column] * sigma[column]))
                }
                gains[local * pool + row] = bernoulli - sum - logSigma
            }
        }
        return gains
    }

    /// PyTorch keeps probabilities off 0 and 1 by one epsilon before it takes their logarithm.
    private static func clamped(_ probability: Double) -> Double {
        min(max(probability, .ulpOfOne), 1 - .ulpOfOne)
    }

    /// The order of every sum and product here is that of PyTorch's backward pass: the last row first.
    private mutating func descend(
        _ client: Int, _ deviations: [ReferenceNetwork.Pass], _ probabilities: [ReferenceNetwork.Pass]
    ) {
        let ordered = matches[client].enumerated().sorted { $0.element > $1.element }
        var byCentroid = [Double](repeating: 0, count: pool * width)
        var byCovariance = ReferenceNetwork.Gradient(like: covariance)
        var byUsage = ReferenceNetwork.Gradient(like: usage)
        for (local, row) in ordered {
            let (mean, sigma) = (deviations[row].input, deviations[row].output)
            var byMean = [Double](repeating: 0, count: width)
            var bySigma = byMean
            for column in 0..<width {
                let residual = locals[(client * promptsPerClient + local) * width + column] - mean[column]
                let twice = 2 * (sigma[column] * sigma[column])
                byMean[column] = -((1 / twice) * (2 * residual))
                bySigma[column] =
                    1 / sigma[column] + ((-(residual * residual) / twice) / twice) * 2 * (2 * sigma[column])
            }
            let throughSigma = covariance.backward(deviations[row], byOutput: bySigma, into: &byCovariance)
            let throughUsage = usage.backward(
                probabilities[row], byOutput: [byProbability(probabilities[row].output[0])], into: &byUsage)
            for column in 0..<width {
                byCentroid[row * width + column] = (byMean[column] + throughSigma[column]) + throughUsage[column]
            }
        }
        steps += 1
        covariance.step(byCovariance, number: steps)
        usage.step(byUsage, number: steps)
        centroids.step(byCentroid, number: steps)
    }

    /// The gradient of −n_t log p by p, through the log-odds as PyTorch takes it.
    private func byProbability(_ probability: Double) -> Double {
        let p = Self.clamped(probability)
        guard p == probability else { return 0 }
        let odds = Elementary.log(p) - Elementary.log1p(-p)
        let byOdds = Double(promptsPerClient) * (1 / (1 + Elementary.exp(-odds)) - 1)
        return byOdds / p + byOdds / (1 - p)
    }
}
