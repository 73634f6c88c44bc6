import Foundation
import PromptAggregation
import Testing

@Suite struct FedCofTests {
    /// What the formulas give in numpy (Fixtures/make_fedcof.py).
    struct Golden: Decodable {
        struct Client: Decodable {
            let counts: [Float]
            let means: [Float]
        }
        struct Case: Decodable {
            let classes: Int
            let width: Int
            let shrinkage: Double
            let clients: [Client]
            let weight: [Double]
        }
        let cases: [Case]
    }

    static func cases() throws -> [Golden.Case] {
        let file = Bundle.module.resourceURL!.appendingPathComponent("Fixtures/fedcof.json")
        return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: file)).cases
    }

    static func make(_ item: Golden.Case) throws -> any AggregationStrategy {
        try Sample.make(
            "fedcof", [("shrinkage", "\(item.shrinkage)")],
            initial: Sample.state(pool: 3, width: item.width, classes: item.classes))
    }

    /// As a client sends it: prompts without rows, class means and counts.
    static func contribution(
        _ number: Int, _ client: Golden.Client, _ item: Golden.Case, base: PromptState, sequence: UInt64 = 1
    ) -> Contribution {
        Contribution(
            client: ClientID(Sample.name(number)), session: 1, sequence: sequence,
            parameters: Parameters([
                (Parameters.prompts, Tensor(zeros: [0, item.width])),
                (Parameters.classMeans, Tensor(shape: [item.classes, item.width], values: client.means)),
                (Parameters.classCounts, Tensor(shape: [item.classes], values: client.counts)),
            ]), promptIDs: [], base: base, sampleCount: max(1, Int(client.counts.reduce(0, +))), staleness: 0,
            stalenessWeight: 1)
    }

    func farthest(_ strategy: any AggregationStrategy, _ item: Golden.Case) -> Double {
        let weight = strategy.state.parameters[Parameters.headWeight]!.values
        return zip(weight, item.weight).reduce(0) { max($0, abs(Double($1.0) - $1.1)) }
    }

    @Test func landsOnTheFormulas() throws {
        let cases = try Self.cases()
        #expect(cases.count == 4)
        for item in cases {
            var strategy = try Self.make(item)
            let base = strategy.state
            _ = strategy.aggregate(
                item.clients.enumerated().map { Self.contribution($0, $1, item, base: base) })
            #expect(farthest(strategy, item) < 1e-6)
            #expect(strategy.state.parameters[Parameters.headBias]!.values.allSatisfy { $0 == 0 })
            let counts = (0..<item.classes).map { label in item.clients.reduce(Float(0)) { $0 + $1.counts[label] } }
            #expect(strategy.state.parameters[Parameters.classCounts]?.values == counts)
            #expect(strategy.state.prompts == base.prompts)
        }
    }

    /// One by one, late, and twice, the last report of each client gives the same classifier as all at once.
    @Test func theLastReportOfEachClientCounts() throws {
        for item in try Self.cases() {
            var strategy = try Self.make(item)
            let base = strategy.state
            let other = item.clients[1]
            for (number, client) in item.clients.enumerated() {
                _ = strategy.aggregate([Self.contribution(number, number == 0 ? other : client, item, base: base)])
            }
            #expect(farthest(strategy, item) > 1e-3)
            var late = Self.contribution(0, item.clients[0], item, base: base, sequence: 2)
            (late.staleness, late.stalenessWeight) = (9, 0.1)
            _ = strategy.aggregate([late])
            #expect(farthest(strategy, item) < 1e-6)
        }
    }

    /// Classes of one image each say nothing of a covariance; the classifier is then that of the means.
    @Test func staysSoundWithoutAnyCovariance() throws {
        let item = Golden.Case(
            classes: 2, width: 3, shrinkage: 1, clients: [.init(counts: [1, 1], means: [3, 0, 0, 0, 4, 0])], weight: [])
        var strategy = try Self.make(item)
        _ = strategy.aggregate([Self.contribution(0, item.clients[0], item, base: strategy.state)])
        let weight = strategy.state.parameters[Parameters.headWeight]!
        func score(_ row: Int, _ x: [Float]) -> Float { zip(weight.row(row), x).reduce(0) { $0 + $1.0 * $1.1 } }
        #expect(score(0, [3, 0, 0]) > score(1, [3, 0, 0]) && score(1, [0, 4, 0]) > score(0, [0, 4, 0]))
    }

    @Test func refusesAHiddenLayer() {
        var state = Sample.state()
        state.parameters[Parameters.headHiddenWeight] = Tensor(zeros: [4, 8])
        let error = #expect(throws: StrategyError.self) { try Sample.make("fedcof", initial: state) }
        #expect("\(error!)".contains("a linear head without a hidden layer"))
    }
}
