import PromptTuning

extension Evaluation {
    /// The accuracy on images whose classes are as frequent as among some labels: what a client with these labels may expect
    /// of new images of its own. Classes without evaluated images are left out; 0 where all are.
    package func accuracy(among labels: [Int]) -> Double {
        let known = labels.compactMap { classAccuracy[$0] }
        return known.isEmpty ? 0 : known.reduce(0, +) / Double(known.count)
    }
}

extension Sequence<Double> {
    /// The mean of the lowest tenth of the values, of the lowest alone where there are fewer than twenty; NaN without values.
    package var worstDecile: Double {
        let sorted = sorted()
        let count = Swift.max(1, sorted.count / 10)
        return sorted.isEmpty ? .nan : sorted.prefix(count).reduce(0, +) / Double(count)
    }
}
