import Federation
import PromptAggregation
import Testing

/// Two clients and one aggregator, and every way in which one fault, or two, can strike a short run: at each step the next
/// message is lost, doubled or delayed, a client dies, the aggregator dies, a second process of a client appears, a
/// training fails. Whatever strikes, the run ends and everything counts once.
@Suite struct ModelTests {
    enum Fault: CaseIterable {
        case loses, doubles, delays, crashesFirst, crashesSecond, restarts, twin, fails
    }

    private static let modes: [Mode] = [
        .continuous, .buffered(.init(size: 2, flushAfter: .seconds(4))),
        .synchronous(.init(cohort: 2, overSelection: 0, quorum: 1, deadline: .seconds(4), late: .discard)),
        .synchronous(.init(cohort: 2, overSelection: 0, quorum: 2, deadline: .seconds(4), late: .carryOver)),
    ]

    private func configuration(_ mode: Mode, versions: Int) -> FederationConfiguration {
        FederationConfiguration(
            seed: 1, mode: mode, clientsToStart: 2, lease: .seconds(6), heartbeat: .seconds(2),
            stop: StopCondition(versions: versions))
    }

    /// Plays a run with faults at some of its steps.
    /// - Returns: what did not hold, and how many steps there were.
    private func play(_ mode: Mode, versions: Int, _ faults: [Int: Fault]) throws -> (found: [String], steps: Int) {
        var world = try World(configuration(mode, versions: versions), seed: 1, clients: 2)
        while !world.isOver, world.steps < 3_000 {
            let goesOn = world.step { world, item in
                guard let fault = faults[world.steps] else { return false }
                return Self.strike(fault, &world, item)
            }
            if !goesOn { break }
        }
        return (try world.judgement(), world.steps)
    }

    /// - Returns: whether the item is not to be taken now.
    private static func strike(_ fault: Fault, _ world: inout World, _ item: World.Item) -> Bool {
        let isMessage =
            switch item {
            case .toAggregator, .toProcess: true
            default: false
            }
        switch fault {
        case .loses: return isMessage
        case .doubles: if isMessage { world.push(item, after: 0.5) }
        case .delays:
            guard isMessage else { return false }
            world.push(item, after: 3)
            return true
        case .crashesFirst: world.crash(world.processes.lastIndex { $0.client.id.name == "c0" && $0.lives } ?? 0)
        case .crashesSecond: world.crash(world.processes.lastIndex { $0.client.id.name == "c1" && $0.lives } ?? 1)
        case .restarts: world.restartAggregator()
        case .twin: world.start("c0", after: 0)
        case .fails:
            guard case .trained(let index, let order, _) = item else { return false }
            world.take(.trained(index, order, fails: true))
            return true
        }
        return false
    }

    @Test(arguments: modes) func withoutFaultsItEnds(mode: Mode) throws {
        let (found, steps) = try play(mode, versions: 3, [:])
        #expect(found == [] && steps < 150, "\(steps) steps")
    }

    @Test(arguments: modes) func oneFaultAnywhere(mode: Mode) throws {
        let (_, steps) = try play(mode, versions: 3, [:])
        for step in 1...steps {
            for fault in Fault.allCases {
                let found = try play(mode, versions: 3, [step: fault]).found
                #expect(found == [], "\(fault) at step \(step)")
            }
        }
    }

    @Test(arguments: modes) func twoFaultsAnywhere(mode: Mode) throws {
        let (_, steps) = try play(mode, versions: 2, [:])
        var runs = 0
        for first in 1...steps {
            // The second one strikes within what the first set going, or a while later.
            for second in [1, 4, 15].map({ first + $0 }) {
                for (one, other) in Fault.allCases.flatMap({ one in Fault.allCases.map { (one, $0) } }) {
                    let found = try play(mode, versions: 2, [first: one, second: other]).found
                    if found != [] { Issue.record("\(one) at step \(first), \(other) at step \(second): \(found)") }
                    runs += 1
                }
            }
        }
        #expect(runs > 4_000, "\(runs) runs")
    }
}
