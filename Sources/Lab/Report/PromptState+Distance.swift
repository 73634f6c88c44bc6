import PromptAggregation

/// The squared Euclidean distance between a row of one matrix and a row of another, both row-major with `width` columns.
func squaredDistance(_ a: [Float], row i: Int, _ b: [Float], row j: Int, width: Int) -> Double {
    var sum = 0.0
    for column in 0..<width {
        let apart = Double(a[i * width + column]) - Double(b[j * width + column])
        sum += apart * apart
    }
    return sum
}

extension PromptState {
    /// How far two pools are apart, as sets: the mean over the prompts of both of the Euclidean distance to the nearest
    /// prompt of the other (symmetric Chamfer distance). 0 for pools that hold the same prompts in whatever order.
    ///
    /// - Precondition: both have the same width.
    func poolDistance(to other: PromptState) -> Double {
        let (a, b) = (prompts.values, other.prompts.values)
        let (rowsA, rowsB) = (promptIDs.count, other.promptIDs.count)
        guard rowsA > 0, rowsB > 0 else { return rowsA == rowsB ? 0 : .infinity }
        var nearestA = [Double](repeating: .infinity, count: rowsA)
        var nearestB = [Double](repeating: .infinity, count: rowsB)
        for i in 0..<rowsA {
            for j in 0..<rowsB {
                let sum = squaredDistance(a, row: i, b, row: j, width: width)
                nearestA[i] = min(nearestA[i], sum)
                nearestB[j] = min(nearestB[j], sum)
            }
        }
        return (nearestA + nearestB).reduce(0) { $0 + $1.squareRoot() } / Double(rowsA + rowsB)
    }

    /// The Euclidean distance of all that is tuned beside the prompts: head and key projection.
    ///
    /// - Precondition: both hold the same tensors.
    func headDistance(to other: PromptState) -> Double {
        var sum = 0.0
        for entry in parameters.entries where entry.name != Parameters.prompts && !Parameters.isFixed(entry.name) {
            guard entry.name != Parameters.statisticsGeneration, let tensor = other.parameters[entry.name] else {
                continue
            }
            for (a, b) in zip(entry.tensor.values, tensor.values) {
                sum += (Double(a) - Double(b)) * (Double(a) - Double(b))
            }
        }
        return sum.squareRoot()
    }
}
