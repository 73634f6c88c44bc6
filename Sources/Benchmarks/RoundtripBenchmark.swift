import Federation
import Foundation
import MessageLog
import PromptAggregation
import PromptWire
import RunLog
import RunSettings
import ZeroMQTransport

/// Times one client's rounds with the aggregator, in turns with the disk's own writes and syncs of as many bytes.
public struct RoundtripBenchmark: Sendable {
    /// A part of a round and how long it took, over all rounds.
    public struct Row: Hashable, Sendable {
        public let name: String
        public let median: Duration
        /// 99 % of the rounds were faster.
        public let slow: Duration
    }

    public struct Outcome: Hashable, Sendable {
        public let updateBytes: Int
        /// The disk; from the update to its acknowledgement; from the update to the next version.
        public let rows: [Row]
    }

    public let rounds: Int
    private static let warmUp = 20

    public init(rounds: Int) { self.rounds = max(1, rounds) }

    /// - Parameter path: a folder on the disk that is measured, for a run that is new.
    public func run(in path: String) async throws -> Outcome {
        let configuration = try LoadedAggregator.configuration(
            clients: 1, ["federation.buffer_size=1"])
        let state = try LoadedAggregator.blankState(configuration)
        return try await LoadedAggregator.run(configuration, in: RunFolder(path: path + "/run")) { endpoints in
            let connection = try LoadConnection(
                try Context(), endpoints: endpoints, clients: configuration.clients, hearsAll: true)
            let probe = try LogFile.create(path + "/probe")
            try connection.join()
            return try measure(connection, state, probe)
        }
    }

    private func measure(_ connection: LoadConnection, _ state: PromptState, _ probe: LogFile) throws -> Outcome {
        let client = connection.clients[0]
        var (disk, acknowledgements, versions): ([Duration], [Duration], [Duration]) = ([], [], [])
        var place: UInt64 = 0
        var size = 0
        for round in 1...UInt64(rounds + Self.warmUp) {
            try connection.wait { (connection.tasks[client]?.number ?? 0) >= round }
            let task = connection.tasks[client]!.number
            let base = connection.tasks[client]!.version
            let update = LoadedAggregator.update(by: client, run: connection.run, task: task, base: base, state: state)
            size = update.count
            let start = ContinuousClock.now
            try connection.send(update)
            try connection.wait { connection.acknowledged[client] == task }
            let acknowledged = ContinuousClock.now - start
            try connection.wait { connection.version > base }
            let next = ContinuousClock.now - start
            let again = ContinuousClock.now
            try probe.write(update.span.bytes, at: place)
            try probe.synchronize()
            place += UInt64(update.count)
            guard round > Self.warmUp else { continue }
            disk.append(.now - again)
            acknowledgements.append(acknowledged)
            versions.append(next)
        }
        func row(_ name: String, _ times: [Duration]) -> Row {
            Row(name: name, median: times.quantile(0.5), slow: times.quantile(0.99))
        }
        return Outcome(
            updateBytes: size,
            rows: [
                row("the disk: write and fdatasync", disk), row("update to acknowledgement", acknowledgements),
                row("update to next version", versions),
            ])
    }
}
