import Federation
import PromptAggregation
import Testing

/// The aggregator and its clients on a network that loses, delays, repeats and reorders, and all of them crash: every run
/// comes to its end, no update counts twice, nothing acknowledged is lost, nothing that a client stored is given up
/// before the aggregator settled it, and the recorded events replay to the same bytes.
@Suite struct LossyNetworkTests {
    static let modes: [Mode] = [
        .continuous, .buffered(.init(size: 3, flushAfter: .seconds(5))),
        .buffered(.init(size: 10, flushAfter: nil)),
        .synchronous(.init(cohort: 3, overSelection: 0.34, quorum: 2, deadline: .seconds(8), late: .carryOver)),
        .synchronous(.init(cohort: 4, overSelection: 0, quorum: 4, deadline: .seconds(8), late: .discard)),
    ]

    @Test("a run ends whatever the network does", arguments: [UInt64](1...40), modes)
    func run(seed: UInt64, mode: Mode) throws {
        var world = try World(
            FederationConfiguration(
                seed: seed, mode: mode, concurrency: 4, clientsToStart: 2, lease: .seconds(6), heartbeat: .seconds(1),
                stop: StopCondition(versions: 12), flushBesideValues: seed % 2 == 0 ? 0 : .max), seed: seed, clients: 6)
        // A message is lost one time in five and doubled one time in ten.
        world.delays = { random in
            let chance = random.nextUniform()
            let copies = chance < 0.2 ? 0 : chance < 0.3 ? 2 : 1
            return (0..<copies).map { _ in 0.01 / (1 - random.nextUniform()) }
        }
        world.training = { random in (min(300, 0.5 / (1 - random.nextUniform())), random.nextUniform() < 0.05) }
        for _ in 0..<3 { world.push(.aggregatorRestarts, after: world.random.nextUniform() * 100) }
        for index in 0..<6 {
            world.push(.crash(index), after: 5 + world.random.nextUniform() * 60)
            // A second process of the same name, with a disk of its own.
            if world.random.nextUniform() < 0.3 {
                world.start("c\(index)", after: 10 + world.random.nextUniform() * 40)
            }
        }
        while !world.isOver, world.now < Timestamp(nanoseconds: 2_000_000_000_000), world.step() {}
        #expect(try world.judgement() == [], "seed \(seed)")
    }
}
