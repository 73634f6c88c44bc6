import Foundation
import Lab
import PromptAggregation
import RunLog
import TestSupport

/// A live federation of two workers, and what happens to its processes and to their clock at random moments.
struct Torment {
    private let federation: LiveFederation
    private let clock: SteppingClock
    private var random: SeededRandom
    private var aggregator: LiveProcess
    private var workers: [Worker] = []

    private var kills = 0
    private var stops = 0
    private var steps = 0
    /// Second workers that were started, and those that the first one made way for.
    private var seconds = 0
    private(set) var takeovers = 0

    /// The process of a worker. Two of one name have outboxes of their own.
    private struct Worker {
        var process: LiveProcess
        var outbox: Int
    }

    init(of federation: LiveFederation, seed: UInt64) async throws {
        var federation = federation
        clock = try await SteppingClock(in: federation.path)
        federation.environment = clock.environment
        self.federation = federation
        random = SeededRandom(seed: seed)
        aggregator = try await federation.startBoundAggregator()
        for index in 0..<2 { workers.append(try start(index, outbox: 0)) }
    }

    var outboxes: [String] { (0..<2).map(outbox) }

    var words: String {
        "\(kills) kills, \(stops) stops, \(steps) steps of the clock, \(seconds) second workers of one name,"
            + " \(takeovers) of which took over at once"
    }

    private func outbox(_ number: Int) -> String { "\(federation.path)/outbox-\(number)" }

    private func start(_ index: Int, outbox number: Int) throws -> Worker {
        Worker(
            process: try federation.startWorker(index, ["--set", "worker.outbox=\(outbox(number))"]), outbox: number)
    }

    mutating func run(kills most: Int) async throws {
        while kills < most {
            try await pause(0.1...0.8)
            switch random.nextUniform() {
            case ..<0.2: try await stop()
            case ..<0.3: try stepClock()
            case ..<0.4: try await startSecondWorker(Int(random.next(upperBound: 2)))
            default: try await kill()
            }
        }
    }

    /// Waits for further updates.
    func updates(more: Int) async throws {
        let before = (try? RunInspection(log: federation.run.log).updatesAccepted) ?? 0
        try await federation.updates(reach: before + more)
    }

    /// Stops all processes in order.
    func end() async throws {
        for process in workers.map(\.process) + [aggregator] {
            process.signal(SIGTERM)
            guard try await process.exitCode() == 0 else {
                throw Missed(description: "an orderly end: \(process.output.suffix(2000))")
            }
        }
    }

    private mutating func pause(_ range: ClosedRange<Double>) async throws {
        let share = range.lowerBound + (range.upperBound - range.lowerBound) * random.nextUniform()
        try await Task.sleep(for: .seconds(share))
    }

    /// One of all processes: 0 for the aggregator, then the workers.
    private mutating func victim() throws -> (place: Int, process: LiveProcess) {
        let place = Int(random.next(upperBound: UInt64(workers.count + 1)))
        let process = place == 0 ? aggregator : workers[place - 1].process
        guard process.isRunning else {
            throw Missed(description: "process \(place) ended by itself: \(process.output.suffix(2000))")
        }
        return (place, process)
    }

    private mutating func stop() async throws {
        let process = try victim().process
        process.signal(SIGSTOP)
        try await pause(0...1)
        process.signal(SIGCONT)
        stops += 1
    }

    /// Sets the clock somewhere within a day before or after the true time.
    private mutating func stepClock() throws {
        try clock.set(seconds: Int(random.next(upperBound: 2 * 86_400)) - 86_400)
        steps += 1
    }

    private mutating func kill() async throws {
        let (place, process) = try victim()
        guard place > 0 else { return try await crashAggregator() }
        try await process.crash()
        kills += 1
        try await pause(0...0.5)
        workers[place - 1] = try start(place - 1, outbox: workers[place - 1].outbox)
    }

    mutating func crashAggregator() async throws {
        try await aggregator.crash()
        kills += 1
        try await pause(0...0.5)
        aggregator = try federation.startAggregator()
    }

    /// Starts a worker beside one of the same name; at times the aggregator dies while they settle who speaks. Where the
    /// first does not end soon, each may speak for one of the clients: both are killed, and one is started again.
    private mutating func startSecondWorker(_ index: Int) async throws {
        let first = workers[index]
        let second = try start(index, outbox: 1 - first.outbox)
        seconds += 1
        if random.nextUniform() < 0.3 {
            try await pause(0...1)
            try await crashAggregator()
        }
        let deadline = ContinuousClock.now + .seconds(15)
        while first.process.isRunning, second.process.isRunning, .now < deadline {
            try await Task.sleep(for: .milliseconds(20))
        }
        if !first.process.isRunning, second.process.isRunning {
            takeovers += 1
            workers[index] = second
            return
        }
        for process in [first.process, second.process] where process.isRunning {
            try await process.crash()
            kills += 1
        }
        workers[index] = try start(index, outbox: second.outbox)
    }
}
