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
            #expect(clients[0].output.contains(#"classes="4 of 4""#), "\(clients[0].output)")
            #expect(clients[1].output.contains(#"missing="glioma, meningioma""#), "\(clients[1].output)")
            let inspection = try RunInspection(log: sites.run.log)
            #expect(inspection.clients.map(\.client) == ["north", "south"])
            #expect(inspection.clients.allSatisfy { $0.updatesUsed > 0 })
            let replay = try sites.start(["replay", "run"], as: "replay")
            #expect(try await replay.exitCode() == 0, "\(replay.output)")
        }
    }

    /// What a site has that the others have not, and the field that both sides name.
    private static let strangers: [(name: String, options: [String], difference: String)] = [
        ("size", ["--set", "encoder.image_size=48"], "image.size: expected '16', found '48'"),
        ("order", ["--classes", "turned.txt"], "classes[0]: expected 'glioma', found 'pituitary'"),
        ("more", ["--classes", "more.txt"], "classes: expected '4', found '5'"),
        ("encoder", ["--set", "encoder.path=other", "--set", "encoder.digest="], "encoder.digest: expected '"),
        (
            "rounding", ["--set", "encoder.precision=bfloat16"],
            "encoder.precision: expected 'float32', found 'bfloat16'"
        ),
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
        let weights = URL(fileURLWithPath: try FrozenEncoder.bundled(imageSize: 16).weightsPath)
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
}
