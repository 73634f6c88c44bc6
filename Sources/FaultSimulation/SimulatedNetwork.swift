import Federation
import Foundation
import PromptAggregation

/// Loses, delays, repeats and reorders messages, and cuts clients off.
package struct SimulatedNetwork {
    /// How bad it is.
    struct Rates: Sendable {
        var loss: Double
        var repetition: Double
        /// The least time on the way.
        var latency: Duration
        /// Exponent of the delays' tail: 0 for none.
        var tail: Double

        init(_ random: inout SeededRandom) {
            loss = random.chance(0.2) ? 0 : random.number(in: 0...0.3)
            repetition = random.chance(0.3) ? 0 : random.number(in: 0...0.2)
            latency = random.duration(inSeconds: 0.001...0.05)
            tail = random.number(in: 0...1.2)
        }
    }

    package enum Direction: Sendable { case up, down }

    private let rates: Rates
    /// How many partitions each client is behind at the moment, for both directions.
    private var cuts: [(up: Int, down: Int)]
    /// The client to whom everything comes late.
    private let lagging: Int?
    private(set) var lost = 0
    private(set) var repeated = 0

    private static let longest: Duration = .seconds(20)
    private static let lag: Duration = .seconds(8)

    init(_ rates: Rates, clients: Int, lagging: Int?) {
        self.lagging = lagging
        self.rates = rates
        cuts = Array(repeating: (0, 0), count: clients)
    }

    mutating func cut(_ client: Int, _ directions: [Direction], by change: Int) {
        for direction in directions {
            switch direction {
            case .up: cuts[client].up += change
            case .down: cuts[client].down += change
            }
        }
    }

    /// When the copies of a message arrive: none, one or two.
    mutating func delays(_ client: Int, _ direction: Direction, _ random: inout SeededRandom) -> [Duration] {
        let isCut = direction == .up ? cuts[client].up > 0 : cuts[client].down > 0
        if random.chance(rates.loss) || isCut {
            lost += 1
            return []
        }
        let lag: Duration = direction == .down && client == lagging ? Self.lag : .zero
        guard random.chance(rates.repetition) else { return [delay(&random) + lag] }
        repeated += 1
        return [delay(&random) + lag, delay(&random) + lag]
    }

    private func delay(_ random: inout SeededRandom) -> Duration {
        min(Self.longest, rates.latency * pow(1 / (1 - random.nextUniform()), rates.tail))
    }
}
