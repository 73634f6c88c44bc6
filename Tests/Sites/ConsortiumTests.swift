import Foundation
import Lab
import RunLog
import TestSupport
import Testing

/// A consortium rehearsed: five sites of 5 to 3,000 images, each of another kind, with keys and an aggregator that has no
/// image. One comes late, one leaves, and the end of the run is set while it lasts.
@Suite(.serialized) struct ConsortiumTests {
    private func makeSites(_ folder: SiteFolders) throws {
        try folder.make("university", ["glioma": 900, "meningioma": 1000, "no tumor": 200, "pituitary": 900])
        // No glioma, and a folder that belongs to no class.
        try folder.make(
            "county", ["meningioma": 250, "no tumor": 200, "pituitary": 150, "meningioma/thumbnails": 40])
        // No pituitary.
        try folder.make("westside", ["glioma": 120, "meningioma": 40, "no tumor": 40])
        try folder.make("children", ["glioma": 4, "meningioma": 8, "no tumor": 12, "pituitary": 6])
        try folder.make("hospice", ["no tumor": 5])
    }

    private static let settings = [
        "security.keys=keys", "run.updates=100000", "federation.buffer_size=3", "federation.clients_to_start=3",
        "federation.lease_seconds=10", "training.maximum_steps=4", "training.head_learning_rate=0.02",
        "prompts.pool=6", "training.prompts_per_batch=3", "evaluation.client_versions=40",
    ]
    private static let early = ["university", "county", "westside", "hospice"]

    @Test func unlikeSitesTuneOneModelTogether() async throws {
        try await withLiveSites { sites in
            try makeSites(sites.folder)
            for name in Self.early + ["children"] {
                let (code, output) = try await sites.finish(["keys", "make", "--name", name, "--client", name])
                #expect(code == 0, "\(output)")
            }
            let aggregator = try await sites.startAggregator(Self.settings)
            var workers = [String: LiveProcess]()
            for name in Self.early { workers[name] = try sites.startClient(name) }
            try await sites.updates(reach: 20)
            workers["children"] = try sites.startClient("children")
            try await eventually("updates of the latecomer; it wrote: \(workers["children"]!.output)") {
                let inspection = try? RunInspection(log: sites.run.log)
                return (inspection?.clients.first { $0.client == "children" }?.updatesUsed ?? 0) >= 3
            }
            let left = workers.removeValue(forKey: "westside")!
            left.signal(SIGTERM)
            #expect(try await left.exitCode() == 0, "\(left.output)")
            let end = try RunInspection(log: sites.run.log).updatesAccepted + 20
            // The run may be past that by then, and ends at once.
            let (code, output) = try await sites.finish(["set", "run", "run.updates=\(end)"])
            #expect(code == 0, "\(output)")
            for (_, process) in workers { #expect(try await process.exitCode() == 0, "\(process.output)") }
            #expect(try await aggregator.exitCode() == 0, "\(aggregator.output)")

            expectSummaries(workers, left)
            try expectOutcome(RunInspection(log: sites.run.log))
            try await expectReport(of: sites)
        }
    }

    /// Each site says what it read.
    private func expectSummaries(_ workers: [String: LiveProcess], _ left: LiveProcess) {
        for (name, words) in [
            ("university", #"classes="4 of 4" client=university held_out=600 images=3000"#),
            ("county", "images in folders within a class's folder: meningioma/thumbnails (40)\" missing=glioma"),
            ("children", "client=children held_out=6 images=30"),
            ("hospice", #"classes="1 of 4" client=hospice held_out=1 images=5"#),
        ] {
            #expect(workers[name]!.output.contains(words), "\(workers[name]!.output)")
        }
        #expect(left.output.contains("missing=pituitary"), "\(left.output)")
    }

    private func expectOutcome(_ inspection: RunInspection) throws {
        #expect(inspection.finished)
        #expect(inspection.clients.map(\.client) == ["children", "county", "hospice", "university", "westside"])
        #expect(inspection.clients.allSatisfy { $0.updatesUsed > 0 }, "\(inspection.clients)")
        // What is still on its way when the run ends is rejected, and nothing else.
        let reasons = Set(inspection.updates.filter { $0.fate == .rejected }.map(\.reason))
        #expect(reasons.isSubset(of: ["finished: the run has ended"]))
        let last = inspection.clients.filter { $0.evaluation?.version == inspection.version }
        #expect(last.map(\.client) == ["children", "county", "hospice", "university"], "the last version is evaluated")
        let evaluations = last.compactMap(\.evaluation)
        #expect(evaluations.map(\.heldOut) == [6, 120, 1, 600])
        let right = evaluations.reduce(0) { $0 + $1.correct.reduce(0, +) }
        #expect(right > 727 / 2, "four colours are told apart: \(right) of 727")
    }

    private func expectReport(of sites: LiveSites) async throws {
        let replay = try await sites.finish(["replay", "run"])
        #expect(replay.code == 0, "\(replay.output)")
        let report = try await sites.finish(["report", "run", "--markdown"])
        #expect(report.code == 0, "\(report.output)")
        let text = try String(contentsOfFile: sites.run.path + "/report.md", encoding: .utf8)
        #expect(text.contains("on clients' own data") && !text.contains("is not drawn"), "\(text)")
        #expect(text.contains("| loss | glioma | meningioma | no tumor | pituitary |"), "\(text)")
        #expect(text.contains("Accuracy by client") && text.contains("| 4 clients together |"), "\(text)")
    }
}
