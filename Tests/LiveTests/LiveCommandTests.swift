import Foundation
import TestSupport
import Testing

/// Each command of the program is run once, as a process on small input, and shows its main fact.
@Suite(.serialized) struct LiveCommandTests {
    /// Commands that other suites run.
    private static let elsewhere: Set<String> = [
        "aggregate", "work", "relay", "simulate", "drain", "set", "extend", "check", "experiment", "demo",
        "check-client",
    ]

    /// Commands on a run in the folder `run`, and what each prints or leaves.
    private static let commands: [(arguments: [String], expected: String)] = [
        (["replay", "run"], "equal"),
        (["status", "run"], "the run has finished: version 2, 4 updates"),
        (["inspect", "run", "--output", "csv"], "client-01"),
        (["inspect", "run", "--list", "versions"], "mean staleness"),
        (["config", "show", "run"], "training_samples: 60"),
        (["encoders"], "siglip"),
        (["inspect", "run"], "client-00"),
        (["inspect", "run", "--list", "records", "--output", "json"], "\"kind\":\"record\""),
        (["evaluate", "run"], "accuracy"),
        (["predict", "run", "scan.png", "--top", "2", "--output", "json"], "\"probability\""),
        (["show", "run"], "encoder.digest"),
        (["verify", "run"], "whole"),
        (["whatif", "run", "--no-accuracy"], "client-01"),
        (["strategies", "pfpt-async"], "evidence"),
        (["export", "run", "bundle", "--format", "bundle"], "bundle/prompts.safetensors"),
        (["report", "run", "--page", "report.html"], "report.html"),
        (["export", "run", "figures"], "figures/updates.csv"),
        (["data", "fashion-mnist", "--skip-images", "--sizes", "sizes.csv"], "sizes.csv"),
        (["keys", "make", "--name", "observer"], "observer"),
        (["bench", "replay", "run"], "scan"),
        (["faults", "--seeds", "3"], "every invariant held"),
    ]

    private static let small = [
        "run.updates=4", "data.clients=2", "data.training_samples=60", "data.validation_samples=30",
        "data.test_samples=40", "data.minimum_samples=8", "federation.buffer_size=2", "federation.clients_to_start=2",
        "training.maximum_steps=1", "training.batch_size=8", "prompts.pool=4", "training.prompts_per_batch=2",
        "encoder.image_size=16",
    ]

    private func start(_ arguments: [String], in folder: String, _ name: String) throws -> LiveProcess {
        try LiveProcess(LiveFederation.program, arguments, log: "\(folder)/\(name).log", directory: folder)
    }

    @Test func eachShowsItsMainFact() async throws {
        try await inTemporaryFolder { folder in
            let settings = Self.small.flatMap { ["--set", $0] }
            let run = try start(["simulate", "run"] + settings, in: folder, "simulate")
            #expect(try await run.exitCode() == 0, "\(run.output)")
            #expect(run.output.contains("the run is in run"))
            #expect(run.output.contains("simulating "))
            try PNGFile.write(
                [UInt8](repeating: 90, count: 24 * 20), width: 24, height: 20, to: "\(folder)/scan.png")
            for (place, command) in Self.commands.enumerated() {
                let process = try start(command.arguments, in: folder, "\(place)")
                #expect(try await process.exitCode() == 0, "\(command.arguments): \(process.output)")
                #expect(process.output.contains(command.expected), "\(command.arguments): \(process.output)")
            }
        }
    }

    @Test func eachThatPrintsResultsFailsWhereTheyCannotBeWritten() async throws {
        try await inTemporaryFolder { folder in
            let run = try start(
                ["simulate", "run"] + Self.small.flatMap { ["--set", $0] }, in: folder, "simulate")
            #expect(try await run.exitCode() == 0, "\(run.output)")
            try PNGFile.write(
                [UInt8](repeating: 90, count: 24 * 20), width: 24, height: 20, to: "\(folder)/scan.png")
            for (place, command) in Self.commands.enumerated() {
                let process = try LiveProcess(
                    LiveFederation.program, command.arguments, log: "\(folder)/\(place).log", directory: folder,
                    results: "/dev/full")
                #expect(try await process.exitCode() == 1, "\(command.arguments): \(process.output)")
                #expect(
                    process.output.contains("impromptu: cannot write the results: No space left on device"),
                    "\(command.arguments): \(process.output)")
            }
        }
    }

    /// Read from another folder, the run's words for its data must not name other data.
    @Test func aRunKeepsTheWholePathOfItsData() async throws {
        try await inTemporaryFolder { folder in
            for name in ["cat", "dog"] {
                try FileManager.default.createDirectory(
                    atPath: "\(folder)/set/\(name)", withIntermediateDirectories: true)
                for image in 0..<40 {
                    try PNGFile.write(
                        [UInt8](repeating: UInt8(image), count: 24 * 20), width: 24, height: 20,
                        to: "\(folder)/set/\(name)/\(image).png")
                }
            }
            let settings =
                Self.small.filter { !$0.hasPrefix("data.") } + [
                    "data.path=set", "data.dataset=folder:set", "data.clients=2", "data.training_samples=40",
                    "data.validation_samples=8", "data.test_samples=8", "data.minimum_samples=8",
                ]
            let run = try start(["simulate", "run"] + settings.flatMap { ["--set", $0] }, in: folder, "simulate")
            #expect(try await run.exitCode() == 0, "\(run.output)")
            try FileManager.default.createDirectory(atPath: folder + "/elsewhere", withIntermediateDirectories: true)
            let evaluate = try LiveProcess(
                LiveFederation.program, ["evaluate", "../run"], log: folder + "/evaluate.log",
                directory: folder + "/elsewhere")
            #expect(try await evaluate.exitCode() == 0, "\(evaluate.output)")
            #expect(evaluate.output.contains("accuracy"), "\(evaluate.output)")
        }
    }

    @Test func errorsNameWhatThePersonTyped() async throws {
        try await inTemporaryFolder { folder in
            let run = try start(
                ["simulate", "run"] + Self.small.flatMap { ["--set", $0] }, in: folder, "simulate")
            #expect(try await run.exitCode() == 0, "\(run.output)")
            try Data("no picture".utf8).write(to: URL(fileURLWithPath: "\(folder)/broken.png"))
            #expect(mkfifo("\(folder)/pipe", 0o600) == 0)
            let cases: [(arguments: [String], expected: String, not: String)] = [
                (["data", "nowhere"], "expected a folder, or fashion-mnist,", "--set"),
                (["data", "fashion-mnsit"], "did you mean 'fashion-mnist'?", "data.path"),
                (["data", "folder:/nowhere"], "found a path; give the folder itself", "data.dataset"),
                (["data", "nowhere"], "found neither a folder 'nowhere'", "data.dataset"),
                (["simulate", "other", "-c", "none.yaml"], "none.yaml: cannot read", "Usage"),
                (
                    ["simulate", "stuck", "--set", "federation.maximum_update_norm=1e-9"]
                        + Self.small.flatMap { ["--set", $0] },
                    "of 2 clients 2 are in quarantine", "Usage"
                ),
                (["set", "run", "a.b=4"], "unknown key a.b", "mid-run"),
                (["show", "broken.png"], "broken.png is a text, not a safetensors file", "announce"),
                (
                    ["export", "run", "broken.png"],
                    "broken.png: expected a folder, or a path to make one at, found a file", "run folder"
                ),
                (["verify", "run", "--public-key", "nothing"], "nothing: cannot be read: No such file", "Usage"),
                (["keys", "make", "--name", "aggregator"], "the aggregator's own key has it", "1 to 64"),
                (
                    ["config", "show", "-c", "pipe"], "pipe: cannot read the configuration file: expected a file",
                    "Usage"
                ),
                (
                    ["experiment", "pipe"], "pipe: cannot read the experiment file: expected a file, found a FIFO",
                    "Usage"
                ),
                (["simulate", "third", "--from", "pipe"], "pipe: expected a file, found a FIFO", "Usage"),
                (["show", "pipe"], "pipe: expected a file, found a FIFO", "Usage"),
                (["extend", "run", "--updates", "1"], "run.updates: expected 0, or at least the", "Usage"),
                (["predict", "run", "broken.png"], "1 of 1 images cannot be read", "probability"),
            ]
            for (place, command) in cases.enumerated() {
                let process = try start(command.arguments, in: folder, "\(place)")
                #expect(try await process.exitCode() != 0)
                #expect(process.output.contains(command.expected), "\(process.output)")
                #expect(!process.output.contains(command.not), "\(process.output)")
            }
        }
    }

    private struct Dump: Decodable {
        struct Command: Decodable { var commandName: String }
        struct Root: Decodable { var subcommands: [Command] }
        var command: Root
    }

    @Test func noCommandIsWithoutItsTest() async throws {
        try await inTemporaryFolder { folder in
            let dump = try start(["--experimental-dump-help"], in: folder, "help")
            #expect(try await dump.exitCode() == 0)
            let commands = try JSONDecoder().decode(Dump.self, from: Data(dump.output.utf8)).command.subcommands
            let names = Set(commands.map(\.commandName)).subtracting(["help"])
            #expect(names == Self.elsewhere.union(Self.commands.map { $0.arguments[0] }))
        }
    }

    @Test("what cannot be written to standard error stops no service", arguments: ["/dev/full", "closed"])
    func standardError(goes: String) async throws {
        try await withLiveFederation { federation in
            let redirection = goes == "closed" ? "2>&-" : "2>\(goes)"
            func shell(_ arguments: [String], _ name: String) throws -> LiveProcess {
                let words = ([LiveFederation.program] + arguments).map { "'\($0)'" }.joined(separator: " ")
                return try LiveProcess(
                    "/bin/sh", ["-c", "exec \(words) \(redirection)"], log: "\(federation.path)/\(name).log")
            }
            let aggregator = try shell(federation.aggregatorArguments, "aggregator")
            try await federation.bound(aggregator)
            let workers = try (0..<2).map { index in
                try shell(federation.workerArguments(index), "worker-\(index)")
            }
            for process in workers + [aggregator] { #expect(try await process.exitCode() == 0) }
            #expect(try await federation.replay().exitCode == 0)
        }
    }
}
