import Foundation
import Lab
import RunLog
import TestSupport
import Testing

/// A small federation over loopback: the built program's own processes, in a folder that goes away afterwards.
struct LiveFederation {
    let path: String
    let run: RunFolder
    private let settings: [String]
    /// Of the processes that are started from here on, above this process's own.
    var environment: [String: String] = [:]

    static let program = LiveProcess.program

    /// Four clients with fifty images each, whose tasks take a fifth of a second.
    private static let configuration = """
        run: {seed: 7, updates: 24}
        endpoints: {updates: 'tcp://127.0.0.1:*', prompts: 'tcp://127.0.0.1:*'}
        federation: {mode: buffered, buffer_size: 2, flush_after_seconds: 5, beacon_seconds: 0.2, heartbeat_seconds: 0.3,
                     lease_seconds: 2}
        prompts: {pool: 6}
        training: {maximum_steps: 1, batch_size: 8, prompts_per_batch: 3}
        data: {dataset: fashion-mnist, clients: 4, training_samples: 200, validation_samples: 50, minimum_samples: 8}
        evaluation: {interval_seconds: 0}
        worker: {delay: constant, delay_seconds: 0.2}
        """

    /// - Parameter settings: `section.key=value`, above the federation's own.
    init(path: String, _ settings: [String], keys: Bool) throws {
        self.path = path
        self.settings = (settings + (keys ? ["security.keys=\(path)/keys"] : [])).flatMap { ["--set", $0] }
        run = RunFolder(path: path + "/run")
        try Data(Self.configuration.utf8).write(to: URL(fileURLWithPath: path + "/run.yaml"))
    }

    /// Starts the program; its output goes to the file `<name>.log`.
    func start(_ arguments: [String], as name: String) throws -> LiveProcess {
        try LiveProcess(Self.program, arguments, log: "\(path)/\(name).log", environment: environment)
    }

    func startAggregator(_ more: [String] = []) throws -> LiveProcess {
        try start(aggregatorArguments + more, as: "aggregator")
    }

    var aggregatorArguments: [String] {
        ["aggregate", run.path, "--config", path + "/run.yaml", "--quiet"] + settings
    }

    /// Starts the aggregator and waits until workers can find it.
    func startBoundAggregator() async throws -> LiveProcess {
        let aggregator = try startAggregator()
        try await bound(aggregator)
        return aggregator
    }

    func bound(_ aggregator: LiveProcess) async throws {
        try await eventually("endpoints: \(aggregator.output)") {
            FileManager.default.fileExists(atPath: run.endpoints) || !aggregator.isRunning
        }
    }

    /// Starts one of two workers.
    /// - Parameter finding: how it finds the aggregator; by its endpoints unless given.
    func startWorker(_ index: Int, _ more: [String] = [], finding: [String]? = nil) throws -> LiveProcess {
        try start(workerArguments(index, finding: finding) + more, as: "worker-\(index)")
    }

    func workerArguments(_ index: Int, finding: [String]? = nil) -> [String] {
        let place = finding ?? ["--config", run.endpoints]
        let arguments = ["work", "--config", path + "/run.yaml"] + place + ["--index", "\(index)", "--workers", "2"]
        return arguments + settings + ["--set", "worker.outbox=\(path)/outbox"]
    }

    /// The endpoint of that name in the run folder.
    func endpoint(_ name: String) throws -> String {
        let lines = try String(contentsOfFile: run.endpoints, encoding: .utf8).split(separator: "\n")
        let line = try #require(lines.first { $0.contains(name + ":") })
        return try #require(line.split(separator: "'").last).description
    }

    /// The updates in the workers' outboxes, as `<client>/<file>`.
    var outboxFiles: [String] {
        let all = FileManager.default.enumerator(atPath: path + "/outbox")?.compactMap { $0 as? String } ?? []
        return all.filter { $0.hasSuffix(".update") }.sorted()
    }

    /// Waits until the log holds so many accepted updates.
    func updates(reach count: Int) async throws {
        try await eventually("\(count) updates in \(run.log)") {
            ((try? RunInspection(log: run.log))?.updatesAccepted ?? 0) >= count
        }
    }

    /// Has a run without an end come to it, a few updates from now.
    func finishSoon() async throws {
        let last = try RunInspection(log: run.log).updatesAccepted + 4
        let set = try start(["set", run.path, "run.updates=\(last)"], as: "set")
        #expect(try await set.exitCode() == 0, "\(set.output)")
    }

    /// How many clients in the log are such; 0 while it cannot be read.
    func clients(_ isSuch: (RunInspection.ClientEntry) -> Bool) -> Int {
        ((try? RunInspection(log: run.log))?.clients ?? []).count { isSuch($0) }
    }

    /// Has a new process replay the run.
    func replay(_ log: String? = nil) async throws -> (exitCode: Int32, output: String) {
        let process = try start(["replay", log ?? run.path], as: "replay-\(UUID().uuidString)")
        return (try await process.exitCode(), process.output)
    }
}

/// Gives a test a federation of its own, whose processes and files are gone afterwards.
/// - Parameter keys: whether it wants keys, in the folder `keys`.
func withLiveFederation(
    _ settings: [String] = [], keys: Bool = false, _ body: (LiveFederation) async throws -> Void
) async throws {
    try await inTemporaryFolder { try await body(try LiveFederation(path: $0, settings, keys: keys)) }
}

/// The names of a run's snapshots, oldest first.
func snapshots(of run: RunFolder) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: run.snapshotsFolder)) ?? []
    return names.filter { $0.hasSuffix(".snapshot") }.sorted()
}
