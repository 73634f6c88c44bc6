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
        for (place, entry) in state.parameters.entries.enumerated() where !tensors[place].isEmpty {
            let isPool = entry.name == Parameters.prompts
            let rows = isPool ? state.promptIDs.count : 1
            let sources = contributions.compactMap { Source($0, entry.name, tensors[place].count / rows) }
            tensors[place] = (0..<rows).flatMap { row in
                Self.row(of: sources, isPool ? state.promptIDs[row] : nil, tensors[place].count / rows, statistic)
            }
        }
    }

    private static func row(
        of sources: [Source], _ id: PromptID?, _ width: Int, _ statistic: (ArraySlice<Double>) -> Double
    ) -> [Double] {
        let starts = sources.compactMap { source in source.starts(of: id).map { (source, $0) } }
        // What is added to a value of −0 must be −0 if the value is to stay.
        guard !starts.isEmpty else { return [Double](repeating: -0.0, count: width) }
        // One list for all coordinates, since there are many of them.
        var moved = [Double](repeating: 0, count: starts.count)
        return (0..<width).map { column in
            for (place, (source, start)) in starts.enumerated() {
                moved[place] = Double(source.local[start.local + column]) - Double(source.base[start.base + column])
            }
            moved.sort()
            return statistic(moved[...])
        }
    }

    /// One tensor of a contribution, before and after.
    private struct Source {
        let local: [Float]
        let base: [Float]
        private let width: Int
        /// Of the prompts; another tensor is one row.
        private let tuned, started: RowIndex?

        /// Nil where the contribution lacks the tensor, or has it in another shape.
        init?(_ contribution: Contribution, _ name: String, _ width: Int) {
            guard let local = contribution.parameters[name], let base = contribution.base.parameters[name] else {
                return nil
            }
            let isPool = name == Parameters.prompts
            guard isPool || (local.values.count == width && base.values.count == width) else { return nil }
            self.local = local.values
            self.base = base.values
            self.width = width
            tuned = isPool ? RowIndex(contribution.promptIDs) : nil
            started = isPool ? RowIndex(contribution.base.promptIDs) : nil
        }

        /// Where the row of a prompt begins, nil where the contribution did not touch it; of another tensor its first value.
        func starts(of id: PromptID?) -> (local: Int, base: Int)? {
            guard let id else { return (0, 0) }
            guard let local = tuned?[id], let base = started?[id] else { return nil }
            return (local * width, base * width)
        }
    }
}
