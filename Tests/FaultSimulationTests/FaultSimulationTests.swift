import FaultSimulation
import PromptAggregation
import Testing

/// The production aggregator, clients, codec, log and recovery under faults that seeds draw.
@Suite struct FaultSimulationTests {
    /// As `impromptu faults --seeds 500`.
    @Test func fiveHundredSeedsHold() async {
        let sweep = await FaultSweep(seeds: 1...500, threads: 2)
        #expect(sweep.seeds == 500)
        for failure in sweep.failures {
            Issue.record("seed \(failure.seed) (\(failure.scenario)): \(failure.violations)")
        }
        #expect(sweep.tally.lines.allSatisfy { !$0.hasPrefix("0 ") }, "every fault came: \(sweep.tally.lines)")
        for drawn in StrategyCatalog.names + ["synchronous", "buffered", "continuous"] {
            #expect(sweep.scenarios.keys.contains { $0.contains("\(drawn),") }, "\(drawn) was drawn")
        }
    }

    @Test(
        "a planted fault breaks its invariant",
        arguments: [
            (.ignoredSync, "no acknowledged update is lost"), (.forgottenOutbox, "no acknowledged update is lost"),
            (.relabelledOutbox, "no acknowledged update is lost"), (.ignoredSync, "versions only grow"),
            (.mislabelledBase, "staleness is accounted for"), (.silentAggregator, "a run never hangs"),
            (.unloggedEvent, "recovery gives the state"), (.misplacedSnapshot, "recovery gives the state"),
            (.outdatedSegment, "recovery gives the state"), (.misremovedSegment, "no acknowledged update is lost"),
            (.misremovedSegment, "recovery gives the state"),
            (.earlyEffects, "no acknowledged update is lost"), (.repeatedEffects, "what is to be done is done once"),
            (.shortFlush, "recovery gives the state"),
            (.lostBatch, "what is to be done is done once"),
            (.adoptedOutbox, "updates of other runs are kept for them"),
        ] as [(PlantedFault, String)])
    func plantedFaults(planted: PlantedFault, invariant: String) async {
        let sweep = await FaultSweep(seeds: 1...100, threads: 2, planted: planted)
        let broken = sweep.failures.flatMap(\.violations)
        #expect(broken.contains { $0.hasPrefix(invariant) }, "\(planted): \(broken.prefix(3))")
    }

    @Test func aSeedGivesTheSameRunAlone() async throws {
        let sweep = await FaultSweep(seeds: 1...40, threads: 2, planted: .ignoredSync)
        let failure = try #require(sweep.failures.last)
        let alone = await FaultSweep(seeds: [failure.seed], threads: 1, planted: .ignoredSync)
        #expect(alone.failures.map(\.violations) == [failure.violations])
        let first = await FaultSweep(seeds: 7...9, threads: 1)
        let again = await FaultSweep(seeds: 7...9, threads: 3)
        #expect(first.tally.lines == again.tally.lines && first.seeds == 3)
    }
}
