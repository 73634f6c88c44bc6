import Federation
import Foundation
import Lab
import PromptAggregation
import RunLog
import RunSettings
import TestSupport
import Testing

/// Kills and stops the processes of a live federation at random moments, and asks at the end whether each update that a
/// update that was acknowledged to a client is in the log, and whether each in the log made a version or waits for one,
/// and none two.
///
/// `make chaos KILLS=1000` makes it long; IMPROMPTU_CHAOS_SEED gives other moments.
@Suite(.serialized) struct LiveChaosTests {
    private static func setting(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment["IMPROMPTU_CHAOS_\(name)"].flatMap { UInt64($0) }
    }
    private let kills = Int(LiveChaosTests.setting("KILLS") ?? 20)
    private let seed = LiveChaosTests.setting("SEED") ?? 1

    @Test func nothingThatWasAcknowledgedIsLostOrCountsTwice() async throws {
        try await withLiveFederation(["run.updates=0", "run.snapshot_versions=2"]) { federation in
            var processes = [try await federation.startBoundAggregator()]
            for index in 0..<2 { processes.append(try federation.startWorker(index)) }
            try await federation.updates(reach: 1)
            let stops = try await torment(&processes, of: federation)
            let before = try RunInspection(log: federation.run.log).updatesAccepted
            try await federation.updates(reach: before + 8)
            // Chance may have put all kills before the first snapshot; this one comes behind it.
            try await eventually("a snapshot") { !snapshots(of: federation.run).isEmpty }
            try await processes[0].crash()
            processes[0] = try federation.startAggregator()
            try await federation.updates(reach: before + 16)
            for process in processes.reversed() {
                process.signal(SIGTERM)
                #expect(try await process.exitCode() == 0, "\(process.output.suffix(2000))")
            }
            try checkLog(of: federation, stops: stops)
        }
    }

    /// - Returns: how often a process was stopped and continued.
    private func torment(_ processes: inout [LiveProcess], of federation: LiveFederation) async throws -> Int {
        var random = SeededRandom(seed: seed)
        var killed = 0
        var stops = 0
        while killed < kills {
            try await Task.sleep(for: .seconds(0.1 + 0.7 * random.nextUniform()))
            let victim = Int(random.next(upperBound: UInt64(processes.count)))
            let pause = Duration.seconds(0.5 * random.nextUniform())
            if random.nextUniform() < 0.25 {
                processes[victim].signal(SIGSTOP)
                try await Task.sleep(for: pause * 2)
                processes[victim].signal(SIGCONT)
                stops += 1
                continue
            }
            guard processes[victim].isRunning else {
                throw Missed(description: "process \(victim) ended by itself: \(processes[victim].output.suffix(2000))")
            }
            try await processes[victim].crash()
            try await Task.sleep(for: pause)
            processes[victim] =
                victim == 0 ? try federation.startAggregator() : try federation.startWorker(victim - 1)
            killed += 1
        }
        return stops
    }

    private func checkLog(of federation: LiveFederation, stops: Int) throws {
        var accepted: Set<String> = []
        var used: [String: Int] = [:]
        var arrived = ""
        let replay = try Replay(path: federation.run.log) { step in
            switch step {
            case .event(let event, _):
                if case .received(.update(let update)) = event.kind {
                    arrived = "\(update.client) \(update.task)"
                }
            case .effect(.publish(_, .ack)): accepted.insert(arrived)
            case .effect(.flushed(let flush)):
                for part in flush.parts { used["\(part.client) \(part.task)", default: 0] += 1 }
            case .checked(let publication): #expect(publication.isEqual, "version \(publication.version)")
            default: break
            }
        }
        #expect(accepted.count == used.count + (replay.aggregator?.buffered ?? 0))
        var told = 0
        var lost: [String] = []
        for client in try #require(replay.configuration).clients {
            let path = "\(federation.path)/outbox/\(client)/acknowledged.txt"
            for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
                told += 1
                let task = line.split(separator: " ").last ?? ""
                if !accepted.contains("\(client) \(task)") { lost.append("\(client) \(line)") }
            }
        }
        let duplicated = used.filter { $0.value > 1 }.keys.sorted()
        print(
            "chaos: seed \(seed), \(kills) kills, \(stops) stops, \(accepted.count) updates accepted, \(told) known to"
                + " their clients as such: \(lost.count) lost, \(duplicated.count) duplicated")
        #expect(told > 0)
        let log = try String(contentsOfFile: federation.path + "/aggregator.log", encoding: .utf8)
        let resumed = log.split(separator: "\n").count { $0.contains("from the snapshot of version") }
        print("chaos: \(resumed) starts of the aggregator went on from a snapshot")
        #expect(resumed > 0)
        #expect(lost.isEmpty && duplicated.isEmpty, "lost \(lost), duplicated \(duplicated)")
    }
}
