import Foundation
import RunLog
import TestSupport
import Testing

/// Processes of sites with images of their own, and of an aggregator that has none, in one folder.
struct LiveSites {
    let folder: SiteFolders
    var path: String { folder.path }
    var run: RunFolder { RunFolder(path: path + "/run") }

    /// What all agree on: a run of a few small tasks.
    private static let configuration = """
        run: {seed: 7, updates: 16}
        endpoints: {updates: 'tcp://127.0.0.1:*', prompts: 'tcp://127.0.0.1:*'}
        federation: {buffer_size: 2, flush_after_seconds: 5, beacon_seconds: 0.2, heartbeat_seconds: 0.3,
                     lease_seconds: 2}
        prompts: {pool: 4}
        training: {maximum_steps: 2, batch_size: 8, prompts_per_batch: 2}
        encoder: {image_size: 32}
        """

    init(path: String) throws {
        folder = SiteFolders(path: path)
        try folder.write("run.yaml", Self.configuration)
        try folder.write("classes.txt", SiteFolders.classes.joined(separator: "\n") + "\n")
    }

    func start(_ arguments: [String], as name: String) throws -> LiveProcess {
        try LiveProcess(LiveProcess.program, arguments, log: "\(path)/\(name).log", directory: path)
    }

    func startAggregator(_ settings: [String] = [], classes: String = "classes.txt") async throws -> LiveProcess {
        let arguments = ["aggregate", "--config", "run.yaml", "--classes", classes, "--run", "run", "--quiet"]
        let aggregator = try start(arguments + settings.flatMap { ["--set", $0] }, as: "aggregator")
        try await eventually("endpoints: \(aggregator.output)") {
            FileManager.default.fileExists(atPath: run.endpoints) || !aggregator.isRunning
        }
        return aggregator
    }

    /// Starts a client that takes all but its images from the run folder.
    func startClient(_ name: String, _ more: [String] = []) throws -> LiveProcess {
        try start(["work", "--run", "run", "--client", name, "--data", name] + more, as: name)
    }
}

/// Gives a test sites of its own, whose processes and files are gone afterwards.
func withLiveSites(_ body: (LiveSites) async throws -> Void) async throws {
    try await inTemporaryFolder { try await body(try LiveSites(path: $0)) }
}
