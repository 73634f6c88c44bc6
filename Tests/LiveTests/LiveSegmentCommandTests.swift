import Foundation
import TestSupport
import Testing

/// Every command that reads a log, on one of several files: whole, compressed, and without its first files.
@Suite(.serialized) struct LiveSegmentCommandTests {
    private static let settings = [
        "run.updates=24", "run.snapshot_versions=0", "evaluation.interval_seconds=0", "data.clients=2",
        "data.training_samples=60", "strategy.name=fedbuff", "prompts.feature_whitening=none", "head.hidden=0",
        "data.validation_samples=20", "data.test_samples=20", "data.minimum_samples=8", "federation.buffer_size=2",
        "federation.clients_to_start=2", "training.maximum_steps=1", "training.batch_size=8", "prompts.pool=2",
        "training.prompts_per_batch=1", "encoder.image_size=16", "log.segment_bytes=4096",
        "federation.maximum_staleness=1",
    ]

    /// What each command prints or leaves of a whole log; of one without its first files it says so as well.
    private static let commands: [(arguments: [String], expected: String)] = [
        (["verify", "run"], "whole"), (["replay", "run"], "equal"),
        (["inspect", "run"], "client-00"), (["inspect", "run", "--output", "json"], "\"version\""),
        (["inspect", "run", "--list", "records"], "client-01 update for task"),
        (["inspect", "run", "--list", "versions", "--output", "csv"], "staleness"),
        (["inspect", "run", "--list", "versions"], "staleness"),
        (["inspect", "run", "--list", "clients"], "client-01"),
        (["inspect", "run", "--client", "client-01"], "client-01"), (["replay", "run", "--output", "json"], "equal"),
        (["whatif", "run", "--no-accuracy"], "client-01"),
        (["whatif", "run", "--no-accuracy", "--without", "client-01"], "client-01"),
        (["show", "run"], "encoder.digest"), (["evaluate", "run"], "accuracy"),
        (["report", "run", "--page", "report.html"], "report.html"),
        (["export", "run", "tables"], "tables/updates.csv"),
        (["export", "run", "bundle", "--format", "bundle"], "bundle/prompts.safetensors"),
        (["export", "run", "curves", "--format", "tensorboard"], "curves"),
        (["export", "run", "mlruns", "--format", "mlflow"], "mlruns"),
        (["bench", "replay", "run"], "scan"),
    ]

    /// Those of a version, of a table for other programs, and of speed: they do not show the run from its beginning on.
    private static let silent = [
        ["show"], ["evaluate"], ["bench"], ["export", "run", "bundle"],
        ["inspect", "run", "--list", "versions", "--output", "csv"],
    ]

    @Test(
        "every command reads a log of several files",
        arguments: [[], ["log.compress=zstd"], ["log.compress=zstd", "log.keep_segments=2"]])
    func everyCommand(extra: [String]) async throws {
        try await inTemporaryFolder { folder in
            let settings = (Self.settings + extra).flatMap { ["--set", $0] }
            let run = try start(["simulate", "run"] + settings, in: folder, "simulate")
            #expect(try await run.exitCode() == 0, "\(run.output)")
            let files = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/run")
                .filter { $0.hasSuffix(".mcap") }.sorted()
            let isThinned = extra.count > 1
            #expect(isThinned ? files.count == 2 && files[0] > "run-000002" : files.count > 3, "\(files)")
            for (place, command) in Self.commands.enumerated() {
                let process = try start(command.arguments, in: folder, "\(place)")
                #expect(try await process.exitCode() == 0, "\(command.arguments): \(process.output)")
                #expect(process.output.contains(command.expected), "\(command.arguments): \(process.output)")
                let page = try? String(contentsOfFile: "\(folder)/report.html", encoding: .utf8)
                let output = process.output + (command.arguments[0] == "report" ? page ?? "" : "")
                let says = output.contains("what came before was removed") || output.contains("\"beginning\"")
                let isSilent = Self.silent.contains { command.arguments.starts(with: $0) }
                #expect(says == (isThinned && !isSilent), "\(command.arguments): \(process.output)")
            }
        }
    }

    private func start(_ arguments: [String], in folder: String, _ name: String) throws -> LiveProcess {
        try LiveProcess(LiveFederation.program, arguments, log: "\(folder)/\(name).log", directory: folder)
    }
}
