/// What the aggregation learns: the prompts Φ, the covariance network γ and the usage network w, with Adam's state.
package struct PoolModel: Hashable, Sendable {
    /// Values with Adam's state.
    package struct Learned: Hashable, Sendable {
        package var values: [Float]
        /// The first and second moments of the gradients.
        var first: [Float]
        var second: [Float]
        /// The weight of all steps so far.
        var age = 0.0

        /// Values without a past.
        init(_ values: [Float]) {
            self.values = values
            first = [Float](repeating: 0, count: values.count)
            second = first
        }
    }

    let layout: NetworkLayout
    /// γ, whose sigmoid is the **variance** of each coordinate (equations 4 and 9).
    package var covariance: Learned
    /// w, the log-odds g(φ) that a client uses the prompt (equation 7).
    package var usage: Learned
    /// [pool, width]
    package var prompts: Learned

    var pool: Int { prompts.values.count / max(layout.width, 1) }

    /// Fresh networks, uniform within ±1/√(inputs) in each layer, as the authors' code begins.
    package init(layout: NetworkLayout, prompts: [Float], random: inout SeededRandom) {
        self.layout = layout
        covariance = Learned(layout.covariance.initialValues(random: &random))
        usage = Learned(layout.usage.initialValues(random: &random))
        self.prompts = Learned(prompts)
    }
}

extension PoolModel {
    /// Takes over another model's networks with their optimizer state.
    mutating func carryNetworks(from other: PoolModel) {
        covariance = other.covariance
        usage = other.usage
    }

    /// Lets the covariance network begin at the mean square of what the matched rows moved, at least a thousandth of the
    /// pool's own variance.
    ///
    /// A fresh network says 0.5, many times what prompts move. Under that all prompts look alike, and the usage term alone
    /// would decide the first matchings and mix prompts that have nothing in common.
    package mutating func startVariance(_ evidence: [PoolEvidence]) {
        let width = layout.width
        var square = 0.0
        var count = 0
        for item in evidence {
            for (local, row) in item.matches.enumerated() where row >= 0 {
                count += width
                for column in 0..<width {
                    let moved = Double(item.rows[local * width + column]) - Double(prompts.values[row * width + column])
                    square += moved * moved
                }
            }
        }
        let mean = prompts.values.reduce(0) { $0 + Double($1) / Double(prompts.values.count) }
        let spread = prompts.values.reduce(0) { sum, value in
            sum + (Double(value) - mean) * (Double(value) - mean) / Double(prompts.values.count)
        }
        let variance = min(0.5, max(square / Double(max(count, 1)), 1e-3 * spread, 1e-8))
        let logit = Float(Elementary.log(variance / (1 - variance)))
        let bias = layout.covariance.secondBias
        for place in bias..<bias + width { covariance.values[place] = logit }
    }
}

extension PoolModel {
    func write(to writer: inout SnapshotWriter) {
        for learned in [covariance, usage, prompts] {
            writer.write(learned.values)
            writer.write(learned.first)
            writer.write(learned.second)
            writer.write(learned.age)
        }
    }

    init(from reader: inout SnapshotReader, layout: NetworkLayout, pool: Int) throws(SnapshotError) {
        self.layout = layout
        covariance = try Learned(from: &reader, count: layout.covariance.count)
        usage = try Learned(from: &reader, count: layout.usage.count)
        prompts = try Learned(from: &reader, count: pool * layout.width)
    }
}

extension PoolModel.Learned {
    fileprivate init(from reader: inout SnapshotReader, count: Int) throws(SnapshotError) {
        self.init(try reader.floats("learnt values", count: count))
        first = try reader.floats("first moments", count: count)
        second = try reader.floats("second moments", count: count)
        age = try reader.number("weight of all steps", in: 0...Double(Int.max))
    }
}
