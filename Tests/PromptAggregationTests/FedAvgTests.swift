import PromptAggregation
import Testing

@Suite struct FedAvgTests {
    let initial = Sample.state()

    @Test func isTheWeightedMeanWhenEveryBaseIsTheCurrentState() throws {
        var strategy = try Sample.make("fedavg", initial: initial)
        let contributions = (0..<4).map { Sample.contribution($0, base: initial, samples: 10 * ($0 + 1)) }
        let report = strategy.aggregate(contributions)
        #expect(report.weights == [0.1, 0.2, 0.3, 0.4])
        for entry in strategy.state.parameters.entries {
            for place in entry.tensor.values.indices {
                var mean = 0.0
                for (contribution, weight) in zip(contributions, report.weights) {
                    mean += weight * Double(contribution.parameters[entry.name]!.values[place])
                }
                let value = entry.tensor.values[place]
                #expect(abs(value - Float(mean)) <= value.ulp, "\(entry.name)[\(place)]")
            }
        }
    }

    @Test func countsRowsThatAClientDidNotTouchAtTheirBase() throws {
        var strategy = try Sample.make("fedavg", initial: initial)
        let contributions = [
            Sample.contribution(0, base: initial, touched: [0, 1]),
            Sample.contribution(1, base: initial, touched: [1, 2]),
        ]
        _ = strategy.aggregate(contributions)
        let (old, new) = (initial.prompts, strategy.state.prompts)
        for column in 0..<initial.width {
            let first = contributions[0].parameters[Parameters.prompts]!.values[column]
            #expect(abs(new.values[column] - (old.values[column] + first) / 2) < 1e-7)
        }
        #expect(new.row(3) == old.row(3))
    }

    @Test func addsTheDisplacementFromTheBaseVersion() throws {
        var strategy = try Sample.make("fedavg", initial: initial)
        let stale = Sample.contribution(0, base: initial)
        _ = strategy.aggregate([Sample.contribution(1, base: initial)])
        let before = strategy.state
        _ = strategy.aggregate([stale])
        for entry in before.parameters.entries {
            let (local, base) = (stale.parameters[entry.name]!.values, initial.parameters[entry.name]!.values)
            let after = strategy.state.parameters[entry.name]!.values
            for place in local.indices {
                #expect(abs(after[place] - (entry.tensor.values[place] + local[place] - base[place])) < 1e-6)
            }
        }
    }

    @Test func weighsByStaleness() throws {
        var strategy = try Sample.make("fedavg", initial: initial)
        let report = strategy.aggregate([
            Sample.contribution(
                0, base: initial, samples: 30, staleness: 8, weight: StalenessWeight.inverseSquareRoot(8)),
            Sample.contribution(1, base: initial, samples: 10),
        ])
        #expect(report.weights == [0.5, 0.5])
    }
}
