import Federation
import PromptAggregation
import Testing

/// What a run could not continue with is refused where it is made.
@Suite struct ConfigurationTests {
    private func problem(
        pool: Int = 2, _ change: (inout FederationConfiguration) -> Void = { _ in }
    ) -> String? {
        var configuration = FederationConfiguration(seed: 1, mode: .continuous)
        change(&configuration)
        do {
            var aggregator = try Aggregator(
                configuration: configuration, run: 1, strategy: SummingStrategy(pool: pool))
            _ = aggregator.handle(.init(time: .init(nanoseconds: 0), kind: .started))
            return nil
        } catch {
            return "\(error)"
        }
    }

    private func round(cohort: Int = 2, over: Double = 0, quorum: Int = 1, deadline: Duration = .seconds(1)) -> Mode {
        .synchronous(.init(cohort: cohort, overSelection: over, quorum: quorum, deadline: deadline, late: .discard))
    }

    @Test func aSoundOneIsTaken() {
        #expect(problem() == nil)
        #expect(problem { $0.maximumStaleness = 0 } == nil)
        #expect(problem { $0.mode = round(cohort: 2, quorum: 2) } == nil)
        #expect(problem(pool: 65_536) == nil)
    }

    @Test func eachThatIsNotIsNamed() {
        #expect(problem { $0.maximumStaleness = -1 } == "maximumStaleness: expected 0 to 1000000, found -1")
        #expect(problem { $0.concurrency = -1 } == "concurrency: expected 0 to 1099511627776, found -1")
        #expect(problem { $0.maximumClients = 0 } == "maximumClients: expected 1 to 10000000, found 0")
        #expect(
            problem {
                $0.maximumClients = 5
                $0.clientsToStart = 6
            } == "clientsToStart: expected 0 to 5, found 6")
        #expect(
            problem { $0.lease = .zero }
                == "lease: expected more than 0 and at most 1000000000.0 seconds, found 0.0 seconds")
        #expect(problem { $0.beacon = .seconds(1 << 60) }?.hasPrefix("beacon: expected more than 0") == true)
        #expect(problem { $0.stop.duration = .seconds(-1) }?.hasPrefix("stop.duration") == true)
        #expect(problem { $0.checks.maximumNorm = .nan }?.hasPrefix("checks.maximumNorm") == true)
        #expect(
            problem { $0.mode = .buffered(.init(size: 0, flushAfter: nil)) }
                == "mode.size: expected 1 to 1099511627776, found 0")
        #expect(problem { $0.mode = round(quorum: 3) } == "mode.quorum: expected 1 to 2, found 3")
        #expect(problem { $0.mode = round(over: .infinity) } == "mode.overSelection: expected 0 to 1000, found inf")
        #expect(problem { $0.mode = round(deadline: .zero) }?.hasPrefix("mode.deadline") == true)
        #expect(problem(pool: 65_537) == "prompts in the pool: expected 0 to 65536, found 65537")
    }

    @Test func aStateBeyondAMessageIsRefused() {
        let wide = SummingStrategy(beside: [("head.weight", Tensor(zeros: [16 << 20]))])
        let error = #expect(throws: FederationError.self) {
            _ = try Aggregator(configuration: .init(seed: 1, mode: .continuous), run: 1, strategy: wide)
        }
        #expect(error?.description == "bytes of the state: expected 0 to 62914560, found 67108880")
    }
}
