import Foundation
import Lab
import PromptTuning
import RunLog
import TestSupport
import Testing

/// Sites that keep their images take part in one run, or are refused with what differs; through processes.
@Suite(.serialized) struct LiveSitesTests {
    @Test func unlikeSitesTuneTogetherWithAnAggregatorThatHasNoImages() async throws {
        try await withLiveSites { sites in
            try sites.folder.make("north", ["glioma": 12, "meningioma": 9, "no tumor": 8, "pituitary": 6])
            try sites.folder.make("south", ["no tumor": 9, "pituitary": 7])
            let aggregator = try await sites.startAggregator()
            let clients = try ["north", "south"].map { try sites.startClient($0) }
            for client in clients { #expect(try await client.exitCode() == 0, "\(client.output)") }
            #expect(try await aggregator.exitCode() == 0, "\(aggregator.output)")
            #expect(clients[0].output.contains("classes=4 of 4"), "\(clients[0].output)")
            #expect(clients[1].output.contains("missing=glioma, meningioma"), "\(clients[1].output)")
            let inspection = try RunInspection(log: sites.run.log)
            #expect(inspection.clients.map(\.client) == ["north", "south"])
            #expect(inspection.clients.allSatisfy { $0.updatesUsed > 0 })
            let replay = try sites.start(["replay", "run", "--quiet"], as: "replay")
            #expect(try await replay.exitCode() == 0, "\(replay.output)")
        }
    }

    /// What a site has that the others have not, and the field that both sides name.
    private static let strangers: [(name: String, options: [String], difference: String)] = [
        ("size", ["--set", "encoder.image_size=48"], "image.size: expected '32', found '48'"),
        ("order", ["--classes", "turned.txt"], "classes[0]: expected 'glioma', found 'pituitary'"),
        ("more", ["--classes", "more.txt"], "classes: expected '4', found '5'"),
        ("encoder", ["--set", "encoder.path=other", "--set", "encoder.digest="], "encoder.digest: expected '"),
    ]

    @Test func aSiteWithAnotherModelIsRefusedOnBothSidesWithTheFirstDifference() async throws {
        try await withLiveSites { sites in
            let names = SiteFolders.classes
            try sites.folder.write("turned.txt", names.reversed().joined(separator: "\n"))
            try sites.folder.write("more.txt", (names + ["other"]).joined(separator: "\n"))
            try Self.copyEncoder(to: sites.path + "/other")
            let aggregator = try await sites.startAggregator()
            for stranger in Self.strangers {
                try sites.folder.make(stranger.name, ["glioma": 4])
                let client = try sites.startClient(stranger.name, stranger.options)
                #expect(try await client.exitCode() == 2, "\(client.output)")
                #expect(client.output.contains(stranger.difference), "\(client.output)")
                try await eventually("\(stranger.name) in: \(aggregator.output)") {
                    aggregator.output.contains("client=\(stranger.name)")
                        && aggregator.output.contains(stranger.difference)
                }
            }
            aggregator.signal(SIGTERM)
            #expect(try await aggregator.exitCode() == 0)
        }
    }

    /// The bundled encoder with one weight changed in its last bit.
    private static func copyEncoder(to path: String) throws {
        let weights = URL(fileURLWithPath: try FrozenEncoder.bundled(imageSize: 32).weightsPath)
        try FileManager.default.copyItem(at: weights.deletingLastPathComponent(), to: URL(fileURLWithPath: path))
        let copy = URL(fileURLWithPath: path).appending(path: weights.lastPathComponent)
        var bytes = try Data(contentsOf: copy)
        bytes[bytes.endIndex - 2] ^= 1
        try bytes.write(to: copy)
    }

    @Test func aSiteWithAClassThatNobodyKnowsIsRefusedBeforeItSpeaks() async throws {
        try await withLiveSites { sites in
            try sites.folder.make("clinic", ["glioma": 4, "pituitarry": 4])
            let aggregator = try await sites.startAggregator()
            let client = try sites.startClient("clinic")
            #expect(try await client.exitCode() == 1, "\(client.output)")
            #expect(client.output.contains("found 'pituitarry'; did you mean 'pituitary'?"), "\(client.output)")
            aggregator.signal(SIGTERM)
            #expect(try await aggregator.exitCode() == 0)
        }
    }

    @Test func aFinishedRunIsExtendedWithOtherSettingsAndReplays() async throws {
        try await withLiveSites { sites in
            try sites.folder.make("north", ["glioma": 6, "pituitary": 6])
            func work(untilUpdates count: Int) async throws {
                let aggregator = try await sites.startAggregator(["run.snapshot_versions=2"])
                let client = try sites.startClient("north")
                #expect(try await client.exitCode() == 0, "\(client.output)")
                #expect(try await aggregator.exitCode() == 0, "\(aggregator.output)")
                #expect(try RunInspection(log: sites.run.log).updatesAccepted == count)
            }
            try await work(untilUpdates: 16)
            for (arguments, code, expected) in [
                (
                    ["set", "run", "federation.buffer_size=16", "federation.mode=continuous"], 2,
                    "cannot change in mid-run"
                ),
                (["set", "run", "federation.cohort=3"], 2, "changes nothing in this run"),
                (["extend", "run", "--updates", "x"], 2, "--updates"),
                (
                    ["set", "run", "federation.buffer_size=3", "training.head_learning_rate=0.01"], 0,
                    "which is its end"
                ),
                (
                    ["extend", "run", "--updates", "24"], 0,
                    "run.updates is 24; the run is at version 16 with 16 updates"
                ),
            ] as [([String], Int32, String)] {
                let process = try sites.start(arguments, as: UUID().uuidString)
                #expect(try await process.exitCode() == code, "\(process.output)")
                #expect(process.output.contains(expected), "\(process.output)")
            }
            // The first configuration is still the one to start it with.
            try await work(untilUpdates: 24)
            let replay = try sites.start(["replay", "run", "--quiet"], as: "replay")
            #expect(try await replay.exitCode() == 0, "\(replay.output)")
            let timeline = try sites.start(["inspect", "run", "--timeline"], as: "timeline")
            #expect(try await timeline.exitCode() == 0)
            #expect(
                timeline.output.contains("settings changed: buffer of 3, ends at 16 updates, rates 0.001 and 0.001"))
            #expect(timeline.output.contains("settings changed: buffer of 3, ends at 24 updates, rates 0.001 and 0.01"))
        }
    }

    @Test func whatAClientKeepsToItselfSurvivesAKill() async throws {
        try await withLiveSites { sites in
            try sites.folder.make("north", ["glioma": 6, "pituitary": 6])
            let settings = [
                "head.personal=true", "run.updates=60", "worker.delay=constant", "worker.delay_seconds=0.05",
            ]
            let aggregator = try await sites.startAggregator(settings)
            let first = try sites.startClient("north")
            try await eventually("five updates") {
                ((try? RunInspection(log: sites.run.log))?.updatesAccepted ?? 0) >= 5
            }
            try await first.crash()
            let folder = sites.path + "/outbox/north"
            let file = try #require(
                FileManager.default.contentsOfDirectory(atPath: folder).first { $0.hasSuffix(".personal") })
            #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/" + file)).count > 1_000)
            let second = try sites.startClient("north")
            #expect(try await second.exitCode() == 0, "\(second.output)")
            #expect(second.output.contains("personal parts taken up client=north task="), "\(second.output)")
            #expect(try await aggregator.exitCode() == 0, "\(aggregator.output)")
        }
    }

    @Test func aRunMovesToOtherAddressesAndRefusesAnotherRate() async throws {
        try await withLiveSites { sites in
            try sites.folder.make("north", ["glioma": 6, "pituitary": 6])
            let first = try await sites.startAggregator(["run.updates=6"])
            first.signal(SIGTERM)
            #expect(try await first.exitCode() == 0)
            let changed = try await sites.startAggregator([
                "run.updates=8", "training.head_learning_rate=0.5", "evaluation.interval_seconds=3",
            ])
            #expect(try await changed.exitCode() == 2)
            #expect(
                changed.output.contains(
                    "run.updates: begun with '6', given '8'; training.head_learning_rate: begun with '0.001', given '0.5'"
                ),
                "\(changed.output)")
            let moved = try await sites.startAggregator([
                "run.updates=6", "endpoints.updates=tcp://127.0.0.2:*", "endpoints.prompts=tcp://127.0.0.2:*",
                "run.snapshot_versions=2", "evaluation.interval_seconds=0", "worker.threads=2",
            ])
            let client = try sites.startClient("north")
            #expect(try await client.exitCode() == 0, "\(client.output)")
            #expect(try await moved.exitCode() == 0, "\(moved.output)")
            #expect(try String(contentsOfFile: sites.run.configuration, encoding: .utf8).contains("127.0.0.2"))
            let replay = try sites.start(["replay", "run", "--quiet"], as: "replay")
            #expect(try await replay.exitCode() == 0, "\(replay.output)")
        }
    }
}
