import Foundation
import Lab
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
        encoder: {image_size: 16}
        """

    init(path: String) throws {
        folder = SiteFolders(path: path)
        try folder.write("run.yaml", Self.configuration)
        try folder.write("classes.txt", SiteFolders.classes.joined(separator: "\n") + "\n")
    }

    func start(_ arguments: [String], as name: String) throws -> LiveProcess {
        try LiveProcess(LiveProcess.program, arguments, log: "\(path)/\(name).log", directory: path)
    }

    /// Starts an aggregator and waits until it can be reached, or has ended.
    /// - Parameters:
    ///   - more: further arguments.
    ///   - run: the name of its folder.
    func startAggregator(
        _ settings: [String] = [], classes: String = "classes.txt", _ more: [String] = [], run: String = "run"
    ) async throws -> LiveProcess {
        let arguments = ["aggregate", run, "--config", "run.yaml", "--classes", classes, "--quiet"]
        let name = "aggregator-" + run.replacing("/", with: "-")
        let earlier = starts(loggedAs: name)
        let aggregator = try start(arguments + more + settings.flatMap { ["--set", $0] }, as: name)
        try await eventually("an aggregator at work: \(aggregator.output)") {
            starts(loggedAs: name) > earlier || !aggregator.isRunning
        }
        return aggregator
    }

    /// How often aggregators of one log came to work.
    private func starts(loggedAs name: String) -> Int {
        let text = (try? String(contentsOfFile: "\(path)/\(name).log", encoding: .utf8)) ?? ""
        return text.components(separatedBy: " aggregating ").count - 1
    }

    /// Starts a client that takes all but its images from the run folder.
    func startClient(_ name: String, _ more: [String] = [], run: String = "run") throws -> LiveProcess {
        try start(["work", run, "--client", name, "--data", name] + more, as: name)
    }

    /// Runs a command to its end.
    /// - Returns: its exit code and what it wrote.
    func finish(_ arguments: [String]) async throws -> (code: Int32, output: String) {
        let process = try start(arguments, as: UUID().uuidString)
        return (try await process.exitCode(), process.output)
    }

    /// Waits until the log holds so many accepted updates.
    func updates(reach count: Int) async throws {
        try await eventually("\(count) updates in \(run.log)") {
            ((try? RunInspection(log: run.log))?.updatesAccepted ?? 0) >= count
        }
    }
}

/// Gives a test sites of its own, whose processes and files are gone afterwards.
func withLiveSites(_ body: (LiveSites) async throws -> Void) async throws {
    try await inTemporaryFolder { try await body(try LiveSites(path: $0)) }
}
