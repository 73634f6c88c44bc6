import Foundation
import Lab
import RunLog
import RunSettings
import TestSupport
import Testing

/// Experiments: the file's errors, runs that are made once, and tables that follow from the runs.
@Suite(.serialized) struct ExperimentTests {
    private static let base = """
        base:
          run: {updates: 4}
          encoder: {image_size: 16}
          federation: {buffer_size: 2, cohort: 2}
          data: {clients: 2, training_samples: 60, validation_samples: 30, test_samples: 40, minimum_samples: 8}
          prompts: {pool: 4}
          training: {maximum_steps: 1, batch_size: 8, prompts_per_batch: 2}
          simulation: {evaluation_updates: 2}
        """

    private static let small =
        base + """

            axes:
              strategy:
                fedavg: {strategy.name: fedavg, federation.mode: synchronous}
                pfpt-async: {strategy.name: pfpt-async}
              partition:
                iid: {data.partition: iid}
                skewed: {data.partition: dirichlet, data.alpha: 0.5}
            seeds: [1, 2]
            targets: [0.01]
            compare:
              - strategy: [pfpt-async, fedavg]
            """

    private func write(_ yaml: String, in folder: String) throws -> String {
        let file = folder + "/small.yaml"
        try yaml.write(toFile: file, atomically: true, encoding: .utf8)
        return file
    }

    private func run(_ yaml: String, in folder: String, only: [String] = []) async throws -> ExperimentRunner.Outcome {
        let experiment = try Experiment(file: write(yaml, in: folder))
        return try await ExperimentRunner(
            experiment, folder: folder + "/out", jobs: 2, threads: 1, only: experiment.selection(only)
        ) { _ in }.run()
    }

    private func table(_ name: String, in folder: String) throws -> [[String: String]] {
        let text = try String(contentsOfFile: "\(folder)/out/\(name).csv", encoding: .utf8)
        let rows = text.split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        return rows.dropFirst().map { row in Dictionary(uniqueKeysWithValues: zip(rows[0], row)) }
    }

    @Test func anAxisNamedTwiceHasThePointsOfBoth() throws {
        try withTemporaryFolder { folder in
            let experiment = try Experiment(file: write(Self.small, in: folder))
            func chosen(_ texts: [String]) throws -> Int {
                let selection = try experiment.selection(texts)
                return experiment.cells.filter { selection.contains($0) }.count
            }
            #expect(try chosen(["strategy=fedavg", "strategy=pfpt-async"]) == 4)
            #expect(try chosen(["strategy=fedavg", "partition=iid", "strategy=pfpt-async"]) == 2)
            #expect(throws: ConfigurationError.self) { try experiment.selection(["strategy="]) }
        }
    }

    @Test func aGridIsRunOnceAndItsTablesFollow() async throws {
        try await inTemporaryFolder { folder in
            let outcome = try await run(Self.small, in: folder)
            #expect(outcome.made == 8 && outcome.found == 0 && outcome.failures.isEmpty, "\(outcome.failures)")
            let runs = try table("runs", in: folder)
            #expect(runs.count == 8)
            #expect(Set(runs.map { "\($0["strategy"]!) \($0["partition"]!) \($0["seed"]!)" }).count == 8)
            #expect(Set(runs.map { $0["configuration"]! }).count == 8)
            let versions = try table("versions", in: folder)
            for row in runs {
                let own = versions.filter { $0["run"] == row["run"] }
                #expect(own.first?["version"] == "0" && own.last?["version"] == row["versions"])
                let evaluated = own.filter { !$0["test_accuracy"]!.isEmpty }
                let best = try #require(evaluated.map { $0["validation_accuracy"]! }.max())
                let chosen = try #require(evaluated.first { $0["version"] == row["version_chosen"] })
                #expect(chosen["validation_accuracy"] == best)
                #expect(chosen["test_accuracy"] == row["test_accuracy_chosen"])
                #expect(evaluated.last?["test_accuracy"] == row["test_accuracy_last"])
                let least = evaluated.min { Double($0["test_loss"]!)! < Double($1["test_loss"]!)! }
                #expect(least?["test_accuracy"] == row["test_accuracy_least_test_loss"])
                #expect(Int(row["updates"]!) == 4 && Int(row["bytes_up"]!)! > 0 && row["seconds_to_0.01"] != "")
                #expect(row["test_masked_last"] == row["test_accuracy_last"])
                let (worst, mean) = (Double(row["client_worst_decile_last"]!)!, Double(row["client_mean_last"]!)!)
                #expect(0 <= worst && worst <= mean && mean <= 1)
            }
            try checkComparison(runs, versions, in: folder)
            let summary = try String(contentsOfFile: folder + "/out/summary.md", encoding: .utf8)
            #expect(summary.contains("8 of 8 runs") && summary.contains("pfpt-async against others"))

            let picture = try String(contentsOfFile: folder + "/out/curves.svg", encoding: .utf8)
            for partition in ["iid", "skewed"] {
                #expect(picture.contains(">\(partition): Accuracy by updates<"))
                #expect(picture.contains(">\(partition): Accuracy by the clock<"))
            }
            #expect(picture.components(separatedBy: ">test accuracy, %<").count == 5)
            #expect(picture.components(separatedBy: ">pfpt-async</text>").count == 5)

            let report = try Report(paths: [folder + "/out"]).markdown
            #expect(report.contains("### All figures") && report.contains("## Methods on fashion-mnist, iid"))
            #expect(report.components(separatedBy: "| not replayed |").count == 5, "one run of four methods is")
            #expect(report.components(separatedBy: "\n| pfpt-async, buffered | 2 | ").count == 3)

            let again = try await run(Self.small, in: folder)
            #expect(again.made == 0 && again.found == 8 && again.reported == 8)
            #expect(try table("runs", in: folder) == runs)
            // Another batch is another run; another target is only another column.
            var other = Self.small.replacing("[0.01]", with: "[0.02]")
            other = other.replacing("skewed: {", with: "skewed: {training.batch_size: 4, ")
            other = other.replacing("batch_size: 8, ", with: "")
            let changed = try await run(other, in: folder)
            #expect(changed.made == 8)
        }
    }

    /// pfpt-async less fedavg in summary.md, against the tables: on each partition, and in the mean over both.
    private func checkComparison(
        _ runs: [[String: String]], _ versions: [[String: String]], in folder: String
    ) throws {
        func accuracy(_ strategy: String, _ partition: String, _ seed: Int, by end: Double?) throws -> Double {
            let run = try #require(
                runs.first { $0["strategy"] == strategy && $0["partition"] == partition && $0["seed"] == "\(seed)" })
            let evaluated = versions.filter { $0["run"] == run["run"] && !$0["test_accuracy"]!.isEmpty }
            let last = evaluated.last { end == nil || Double($0["seconds"]!)! <= end! }
            return 100 * Double(try #require(last)["test_accuracy"]!)!
        }
        func end(_ partition: String, _ seed: Int) -> Double {
            let own = runs.filter { $0["partition"] == partition && $0["seed"] == "\(seed)" }
            return own.map { Double($0["virtual_seconds"]!)! }.min()! + 0.001
        }
        let summary = try String(contentsOfFile: folder + "/out/summary.md", encoding: .utf8)
        let lines = summary.split(separator: "\n").filter { $0.hasPrefix("| fedavg | ") }
        let cells = lines.map { $0.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) } }
            .filter { $0.count == 15 }
        #expect(cells.map { $0[1] } == ["iid", "skewed", "mean"])
        for row in cells {
            let partitions = row[1] == "mean" ? ["iid", "skewed"] : [row[1]]
            for (column, atOneTime) in [(7, false), (11, true)] {
                let differences = try [1, 2].map { seed in
                    try partitions.map { partition in
                        let end = atOneTime ? end(partition, seed) : nil
                        return try accuracy("pfpt-async", partition, seed, by: end)
                            - accuracy("fedavg", partition, seed, by: end)
                    }.reduce(0, +) / Double(partitions.count)
                }
                #expect(row[2] == "2")
                #expect(abs(Double(row[column])! - (differences[0] + differences[1]) / 2) < 0.006, "\(row)")
            }
        }
    }

    @Test func changedSettingsAddRunsAndNothingIsLostUnlessPruned() async throws {
        try await inTemporaryFolder { folder in
            let first = Self.small.replacing("seeds: [1, 2]", with: "seeds: [1]")
            _ = try await run(first, in: folder)
            let before = try table("runs", in: folder)
            let second = first.replacing("batch_size: 8", with: "batch_size: 4")
            let part = try await run(second, in: folder, only: ["strategy=fedavg", "partition=iid"])
            #expect(part.made == 1 && part.reported == 1 && part.earlier == 4)
            let after = try table("runs", in: folder)
            #expect(after.count == 5 && after.count { $0["current"] == "true" } == 1)
            for row in before {
                let kept = after.first { $0["configuration"] == row["configuration"] }
                #expect(kept?.filter { $0.key != "current" } == row.filter { $0.key != "current" })
                #expect(kept?["current"] == "false")
                #expect(FileManager.default.fileExists(atPath: "\(folder)/out/runs/\(row["run"]!)/run-000001.mcap"))
            }
            #expect(try table("versions", in: folder).contains { $0["current"] == "false" })
            let summary = try String(contentsOfFile: folder + "/out/summary.md", encoding: .utf8)
            #expect(summary.contains("## Runs of other settings"))
            #expect(summary.contains("| fedavg, iid | 1 |") && summary.contains("training.batch_size 8"))

            // The old file again: nothing is made, and the other settings have become the earlier ones.
            let back = try await run(first, in: folder)
            #expect(back.made == 0 && back.found == 4 && back.earlier == 1)
            do {
                let experiment = try Experiment(file: write(first, in: folder))
                let runner = try ExperimentRunner(experiment, folder: folder + "/out", jobs: 1, threads: 1) { _ in }
                let removed = try runner.prune()
                #expect(removed.count == 1 && removed[0].hasPrefix("fedavg_iid_seed1_"))
            }
            let pruned = try table("runs", in: folder)
            #expect(pruned.map { $0["configuration"]! } == before.map { $0["configuration"]! })
        }
    }

    @Test func aPartIsRunAndTheRestLater() async throws {
        try await inTemporaryFolder { folder in
            let part = try await run(Self.small, in: folder, only: ["strategy=fedavg", "partition=iid"])
            #expect(part.made == 2 && part.reported == 2 && part.expected == 8)
            let rest = try await run(Self.small, in: folder)
            #expect(rest.made == 6 && rest.found == 2)
        }
    }

    @Test func aRunThatWasCutOffIsBegunAnewAndItsNeighboursAreNot() async throws {
        try await inTemporaryFolder { folder in
            _ = try await run(Self.small, in: folder)
            let before = try table("runs", in: folder)
            let cut = folder + "/out/runs/fedavg_iid_seed1"
            try FileManager.default.removeItem(atPath: cut + "/figures.json")
            try Data("torn".utf8).write(to: URL(fileURLWithPath: cut + "/run-000001.mcap"))
            let again = try await run(Self.small, in: folder)
            #expect(again.made == 1 && again.found == 7)
            let measured: Set = ["wall_seconds", "processor_seconds"]
            func figures(_ rows: [[String: String]]) -> [[String: String]] {
                rows.map { row in row.filter { !measured.contains($0.key) } }
            }
            #expect(try figures(table("runs", in: folder)) == figures(before))
        }
    }

    @Test func aStoppedExperimentGoesOn() async throws {
        try await inTemporaryFolder { folder in
            let experiment = try Experiment(file: write(Self.small, in: folder))
            let stopping = Stopper()
            do {
                let runner = try ExperimentRunner(experiment, folder: folder + "/out", jobs: 1, threads: 1) {
                    progress in
                    if progress.done == 2 { stopping.stop() }
                }
                stopping.runner = runner
                let outcome = try await runner.run()
                #expect(outcome.wasStopped && outcome.made == 2 && outcome.reported == 2)
                stopping.runner = nil
            }
            let rest = try await run(Self.small, in: folder)
            #expect(rest.made == 6 && rest.found == 2 && !rest.wasStopped)
        }
    }

    @Test(
        "the experiments of the documents can be read",
        arguments: ["smoke", "strong", "strong-rates", "clip", "clip-rates"])
    func documents(name: String) throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let experiment = try Experiment(file: root.appending(path: "docs/experiments/\(name).yaml").path)
        #expect(experiment.name == name)
    }

    private final class Stopper: @unchecked Sendable {
        var runner: ExperimentRunner?
        func stop() { runner?.stop() }
    }

    @Test func twoProcessesDoNotWorkOnOneFolder() throws {
        try withTemporaryFolder { folder in
            let experiment = try Experiment(file: write(Self.small, in: folder))
            let first = try ExperimentRunner(experiment, folder: folder + "/out", jobs: 1, threads: 1) { _ in }
            #expect(throws: RunFolderError("\(folder)/out: another process works on this experiment")) {
                try ExperimentRunner(experiment, folder: folder + "/out", jobs: 1, threads: 1) { _ in }
            }
            withExtendedLifetime(first) {}
        }
    }

    @Test func aKeyIsTunedOnValidationAtSeedsOfItsOwn() async throws {
        try await inTemporaryFolder { folder in
            let tuned =
                Self.small + "\nseeds: [1]\ntune: {key: training.head_learning_rate, values: [0, 0.3], seeds: [9],"
                + " at: {partition: iid}}\n"
            let outcome = try await run(tuned.replacing("\nseeds: [1, 2]", with: ""), in: folder)
            #expect(outcome.failures.isEmpty && outcome.made == 2 * 2 + 4 && outcome.reported == 4)
            for row in try table("runs", in: folder) {
                func last(_ value: String) throws -> Double {
                    let name = "\(row["strategy"]!)_iid_tune-\(value)_seed9"
                    let text = try String(
                        contentsOfFile: "\(folder)/out/runs/\(name)/evaluations.csv", encoding: .utf8)
                    return Double(text.split(separator: "\n").last!.split(separator: ",")[3])!
                }
                let best = try last("0") >= last("0.3") ? "0" : "0.3"
                #expect(row["training.head_learning_rate"] == best)
            }
        }
    }

    @Test func aRunThatFailsIsNamedAndTheOthersGoOn() async throws {
        try await inTemporaryFolder { folder in
            let yaml = Self.small.replacing("skewed: {", with: "skewed: {data.training_samples: 80000, ")
                .replacing("training_samples: 60, ", with: "")
                .replacing("iid: {", with: "iid: {data.training_samples: 60, ")
            let outcome = try await run(yaml, in: folder)
            #expect(outcome.failures.count == 4 && outcome.made == 4 && outcome.reported == 4)
            #expect(outcome.failures.allSatisfy { $0.run.contains("skewed") && $0.reason.contains("found 80000") })
        }
    }

    @Test func partsWithoutAValueAndAByteOrderMarkAreNoFaults() throws {
        try withTemporaryFolder { folder in
            let file = folder + "/e.yaml"
            let yaml = """
                \u{feff}base: {run: {updates: 2}}\r\naxes: {a: {b: }}\r\nseeds: [1]\r
                tune:\r\nexclude: ~\r\ncompare: null\r\ntargets:\r\n
                """
            try yaml.write(toFile: file, atomically: true, encoding: .utf8)
            #expect(try Experiment(file: file).targets.isEmpty)
        }
    }

    @Test(
        "what is wrong is told with key and line",
        arguments: [
            ("axes: {a: {b: {}}}\n", "expected seeds, found none"),
            ("axes: {a: {b: {}}}\nseeds: [1]\nmethods: 3\n", "e.yaml:3: expected one of base, axes"),
            ("# a comment\naxis:\n  a: {b: {}}\nseeds: [1]\n", "e.yaml:2: expected one of base, axes, seeds"),
            ("axes: {a: {b: {}}}\nseads: [1]\n", "found 'seads'; did you mean 'seeds'?"),
            ("axes: {a: {b: {}}}\nseeds: ~\n", "e.yaml:1: expected seeds, found none"),
            ("axes: {a: {b: {}}}\nseeds: [one]\n", "e.yaml:2: seeds: expected whole numbers from 0, found 'one'"),
            ("axes: {a: {b: {}}}\nseeds: [1, 1]\n", "e.yaml:2: seeds: expected one or more seeds, each once"),
            ("axes:\n  a:\n    b/c: {}\nseeds: [1]\n", "axes.a.b/c: expected a name of letters"),
            (
                "base: {run: {updates: 3}}\naxes:\n  a:\n    b: {data.alhpa: 1}\nseeds: [1]\n",
                "e.yaml:4: unknown key data.alhpa, did you mean data.alpha?"
            ),
            (
                "axes:\n  a: {b: {data.alpha: 1}}\n  c:\n    d: {data.alpha: 2}\nseeds: [1]\n",
                "e.yaml:4: data.alpha: expected a key of one axis alone, found it also on axis a"
            ),
            ("axes: {a: {b: {}}}\nseeds: [1]\n", "b: expected run.updates, run.versions or run.seconds above 0"),
            (
                "base: {run: {seed: 3, updates: 2}}\naxes: {a: {b: {}}}\nseeds: [1]\n",
                "e.yaml:1: run.seed: expected none"
            ),
            (
                "base: {run: {updates: 2}}\naxes: {a: {b: {}}}\nseeds: [1]\nexclude:\n  - {a: c}\n",
                "e.yaml:5: a: expected one of b, found 'c'"
            ),
            (
                "base: {run: {updates: 2}}\naxes: {a: {b: {}}}\nseeds: [1]\nexclude: [{a: b}]\n",
                "every cell is excluded"
            ),
            (
                "base: {run: {updates: 2}}\naxes: {a: {b: {}}}\nseeds: [1]\ncompare:\n  - a: [b]\n",
                "e.yaml:5: compare.a: expected two or more points"
            ),
            (
                "base: {run: {updates: 2}}\naxes: {a: {b: {}}}\nseeds: [1]\n"
                    + "tune: {key: data.alpha, values: [1], seeds: [1]}\n",
                "e.yaml:4: tune.seeds: expected one or more seeds, none of them among the reported ones"
            ),
            ("axes: {a: {b: {}}}\nseeds: [1]\ntargets: [60]\n", "targets: expected accuracies above 0, up to 1"),
            ("axes: [\n", "not valid YAML"),
        ])
    func errors(yaml: String, expected: String) throws {
        try withTemporaryFolder { folder in
            let file = folder + "/e.yaml"
            try yaml.write(toFile: file, atomically: true, encoding: .utf8)
            let error = #expect(throws: ConfigurationError.self) { try Experiment(file: file) }
            #expect("\(try #require(error))".contains(expected), "\(error!)")
            #expect(!"\(error!)".contains("\n"))
        }
    }
}
