/// The stage that makes one displacement of all.
enum Combination: Hashable, Sendable {
    /// The weighted sum.
    case mean
    /// The median at each coordinate; of an even number the mean of the two middle ones.
    case median
    /// The mean at each coordinate without the largest and the smallest, this share at either end, rounded down.
    case trimmedMean(Double)

    /// `rate` times the combination of what the contributions changed.
    ///
    /// - Parameter weights: of the contributions, `rate` included. A contribution without weight is left out; a statistic
    ///   counts all others alike.
    func displacement(
        of contributions: [Contribution], weights: [Double], rate: Double, like state: PromptState
    ) -> Displacement {
        let counting = zip(contributions, weights).filter { $0.1 > 0 }.map(\.0)
        switch self {
        case .mean:
            return Displacement(contributions, weights: weights, like: state)
        case .median:
            return Displacement(counting, like: state) { sorted in
                rate * Self.mean(sorted[(sorted.count - 1) / 2...sorted.count / 2])
            }
        case .trimmedMean(let share):
            return Displacement(counting, like: state) { sorted in
                let trimmed = Int(share * Double(sorted.count))
                return rate * Self.mean(sorted.dropFirst(trimmed).dropLast(trimmed))
            }
        }
    }

    /// The mean of some numbers, without overflow.
    private static func mean(_ values: ArraySlice<Double>) -> Double {
        values.reduce(0) { $0 + $1 / Double(values.count) }
    }
}

extension Displacement {
    /// A statistic of what the contributions changed, coordinate by coordinate.
    ///
    /// A prompt is judged by the contributions that touched it; one that nobody touched does not move.
    ///
    /// - Parameter statistic: given at least one displacement, in ascending order.
    fileprivate init(
        _ contributions: [Contribution], like state: PromptState, statistic: (ArraySlice<Double>) -> Double
    ) {
        self.init(like: state)
        for (place, name) in state.parameters.names.enumerated() where !tensors[place].isEmpty {
            let sent = contributions.compactMap { AlignedTensor($0, name, in: state) }
            let rows = name == Parameters.prompts ? state.promptIDs.count : 1
            let width = tensors[place].count / rows
            var touched = [[(tensor: AlignedTensor, row: AlignedTensor.Row)]](repeating: [], count: rows)
            for tensor in sent {
                for row in tensor.touchedRows { touched[row.target].append((tensor, row)) }
            }
            tensors[place] = touched.flatMap { touched -> [Double] in
                // What is added to a value of −0 must be −0 if the value is to stay.
                guard !touched.isEmpty else { return [Double](repeating: -0.0, count: width) }
                let moved = touched.map { $0.tensor.moved($0.row) }
                // One list for all coordinates, since there are many of them.
                var sorted = [Double](repeating: 0, count: moved.count)
                return (0..<width).map { column in
                    for place in moved.indices { sorted[place] = moved[place][column] }
                    sorted.sort()
                    return statistic(sorted[...])
                }
            }
        }
    }
}
