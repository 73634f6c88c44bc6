import PromptAggregation

/// What a simulation draws.
extension SeededRandom {
    package mutating func chance(_ probability: Double) -> Bool { nextUniform() < probability }

    package mutating func number(in range: ClosedRange<Double>) -> Double {
        range.lowerBound + nextUniform() * (range.upperBound - range.lowerBound)
    }

    package mutating func integer(in range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next(upperBound: UInt64(range.upperBound - range.lowerBound + 1)))
    }

    package mutating func duration(inSeconds range: ClosedRange<Double>) -> Duration { .seconds(number(in: range)) }

    /// - Precondition: there is something to choose from.
    mutating func pick<Choice>(_ choices: [Choice]) -> Choice { choices[integer(in: 0...choices.count - 1)] }
}
