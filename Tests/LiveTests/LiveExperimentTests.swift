import Foundation
import TestSupport
import Testing

/// An experiment in a process of its own.
@Suite struct LiveExperimentTests {
    private static let experiment = """
        base:
          run: {updates: 24}
          encoder: {image_size: 16}
          federation: {buffer_size: 2, cohort: 2}
          data: {clients: 2, training_samples: 60, validation_samples: 30, test_samples: 40, minimum_samples: 8}
          prompts: {pool: 4}
          training: {maximum_steps: 1, batch_size: 8, prompts_per_batch: 2}
          simulation: {evaluation_updates: 2}
        axes:
          strategy:
            fedavg: {strategy.name: fedavg, federation.mode: synchronous}
            pfpt-async: {strategy.name: pfpt-async}
          partition:
            iid: {data.partition: iid}
            skewed: {data.partition: dirichlet, data.alpha: 0.5}
        seeds: [1, 2]
        """

    @Test func aKilledProcessLosesOnlyWhatItWasAt() async throws {
        try await inTemporaryFolder { folder in
            let file = folder + "/experiment.yaml"
            try Data(Self.experiment.utf8).write(to: URL(fileURLWithPath: file))
            func start(_ name: String) throws -> LiveProcess {
                try LiveProcess(
                    LiveFederation.program, ["experiment", file, folder + "/out", "--jobs", "1"],
                    log: "\(folder)/\(name).log")
            }
            func finished() -> [String: Data] {
                let runs = (try? FileManager.default.contentsOfDirectory(atPath: folder + "/out/runs")) ?? []
                return Dictionary(
                    uniqueKeysWithValues: runs.compactMap { run in
                        FileManager.default.contents(atPath: "\(folder)/out/runs/\(run)/figures.json").map { (run, $0) }
                    })
            }
            let first = try start("first")
            try await eventually("three finished runs; it wrote: \(first.output)") { finished().count >= 3 }
            try await first.crash()
            let kept = finished()
            #expect(kept.count < 8)
            let second = try start("second")
            #expect(try await second.exitCode() == 0, "\(second.output)")
            #expect(
                second.output.contains("(\(8 - kept.count) made now, \(kept.count) found finished)"), "\(second.output)"
            )
            // A run made again would take another time on the wall.
            #expect(finished().filter { kept[$0.key] != nil } == kept)
            let rows = try String(contentsOfFile: folder + "/out/runs.csv", encoding: .utf8).split(separator: "\n")
            #expect(rows.count == 1 + 8)
        }
    }
}
