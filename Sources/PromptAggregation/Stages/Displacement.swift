/// Weighted sums of what contributions changed: Σ_t w_t · (local_t − base_t), laid out as a state is, in Float64.
///
/// Rows that a contribution did not touch, and tensors that it lacks, did not move; fixed tensors never do.
struct Displacement: Hashable, Sendable {
    /// One sum a tensor, in the order of the state's entries.
    var tensors: [[Double]]

    /// No movement.
    ///
    /// - Parameter including: the tensors that will take part; the sums of the others are empty.
    init(like state: PromptState, including isIncluded: (String) -> Bool = { _ in true }) {
        tensors = state.parameters.entries.map {
            [Double](
                repeating: 0, count: isIncluded($0.name) && !Parameters.isFixed($0.name) ? $0.tensor.values.count : 0)
        }
    }

    /// Σ_t w_t (local_t − base_t); a contribution without weight is left out.
    init(
        _ contributions: [Contribution], weights: [Double], like state: PromptState,
        including isIncluded: (String) -> Bool = { _ in true }
    ) {
        self.init(like: state, including: isIncluded)
        for (contribution, weight) in zip(contributions, weights) where weight > 0 {
            add(contribution, weight: weight, like: state, including: isIncluded)
        }
    }

    /// Adds `weight` times what the contribution changed.
    ///
    /// - Parameter including: the tensors to add; the others stay.
    mutating func add(
        _ contribution: Contribution, weight: Double, like state: PromptState,
        including isIncluded: (String) -> Bool = { _ in true }
    ) {
        for (place, name) in state.parameters.names.enumerated() where isIncluded(name) && !Parameters.isFixed(name) {
            guard let tensor = AlignedTensor(contribution, name, in: state) else { continue }
            for row in tensor.touchedRows { Self.add(tensor, row, weight, &tensors[place]) }
        }
    }

    /// Adds `weight` times another displacement of the same layout.
    mutating func add(_ other: Displacement, weight: Double) {
        for place in tensors.indices { Self.add(other.tensors[place], weight, &tensors[place]) }
    }

    private static func add(_ values: [Double], _ weight: Double, _ sum: inout [Double]) {
        let values = values.span
        var sum = sum.mutableSpan
        precondition(values.count == sum.count)
        for index in values.indices { sum[unchecked: index] += weight * values[unchecked: index] }
    }

    private static func add(
        _ tensor: AlignedTensor, _ row: AlignedTensor.Row, _ weight: Double, _ sum: inout [Double]
    ) {
        let local = tensor.local.span.extracting(row.local..<row.local + tensor.width)
        let base = tensor.base.span.extracting(row.base..<row.base + tensor.width)
        let first = row.target * tensor.width
        var sum = sum.mutableSpan
        precondition(first >= 0 && first + local.count <= sum.count)
        for index in local.indices {
            let moved = Double(local[unchecked: index]) - Double(base[unchecked: index])
            sum[unchecked: first + index] += weight * moved
        }
    }
}

extension PromptState {
    /// Moves every tensor for which `isIncluded` holds by `rate` times the displacement.
    mutating func move(
        by displacement: Displacement, rate: Double = 1, including isIncluded: (String) -> Bool = { _ in true }
    ) {
        for (place, entry) in parameters.entries.enumerated()
        where isIncluded(entry.name) && !Parameters.isFixed(entry.name) {
            var tensor = entry.tensor
            Self.move(&tensor.values, by: displacement.tensors[place], rate: rate)
            parameters[entry.name] = tensor
        }
    }

    private static func move(_ values: inout [Float], by steps: [Double], rate: Double) {
        var values = values.mutableSpan
        let steps = steps.span
        precondition(values.count == steps.count)
        for index in steps.indices {
            values[unchecked: index] = Float(
                saturating: Double(values[unchecked: index]) + rate * steps[unchecked: index])
        }
    }
}

extension PromptState {
    /// Moves every tensor for which `isIncluded` holds by Σ_t w_t (local_t − base_t).
    mutating func average(
        _ contributions: [Contribution], weights: [Double], including isIncluded: (String) -> Bool = { _ in true }
    ) {
        move(
            by: Displacement(contributions, weights: weights, like: self, including: isIncluded), including: isIncluded)
    }
}
