import Foundation
import Lab
import RunLog
import RunSettings
import TestSupport
import Testing

/// What changes in a run's life, each by one command, with a log that replays: settings at work and at rest, its end, its
/// address, and a new run that begins where it ended.
@Suite(.serialized) struct LiveChangeTests {
    private func expectReplay(_ run: String = "run", of sites: LiveSites) async throws {
        let replay = try await sites.finish(["replay", run])
        #expect(replay.code == 0, "\(replay.output)")
    }

    @Test func anAggregatorAtWorkChangesItsSettings() async throws {
        try await withLiveSites { sites in
            try sites.folder.make("north", ["glioma": 6, "pituitary": 6])
            let aggregator = try await sites.startAggregator(["run.updates=5000"])
            let client = try sites.startClient("north")
            try await sites.updates(reach: 4)
            for (settings, code, expected) in [
                (["federation.buffer_size=3", "training.head_learning_rate=0.01"], 0, "from version "),
                (["federation.buffer_size=3"], 2, "federation.buffer_size=3: changes nothing in this run"),
                (["federation.buffer_size=4", "prompts.pool=7"], 2, "prompts.pool: cannot change in mid-run"),
                (["run.updates=-1"], 2, "run.updates"),
            ] as [([String], Int32, String)] {
                let (found, output) = try await sites.finish(["set", "run"] + settings)
                #expect(found == code && output.contains(expected), "\(output)")
            }
            let reached = try RunInspection(log: sites.run.log).updatesAccepted
            try await sites.updates(reach: reached + 3)
            let behind = try await sites.finish(["extend", "run", "--updates", "1"])
            #expect(
                behind.code == 2 && behind.output.contains("run.updates: expected 0, or at least the"),
                "\(behind.output)")
            let end = reached + 300
            let (code, output) = try await sites.finish(["extend", "run", "--updates", "\(end)"])
            #expect(code == 0 && output.hasPrefix("run.updates is \(end), from version"), "\(output)")
            for process in [client, aggregator] { #expect(try await process.exitCode() == 0, "\(process.output)") }
            #expect(!FileManager.default.fileExists(atPath: sites.run.path + "/change.json"))
            let kept = try String(contentsOfFile: sites.run.configuration, encoding: .utf8)
            #expect(kept.contains("buffer_size: 3") && kept.contains("updates: \(end)"))

            let inspection = try RunInspection(log: sites.run.log)
            #expect(
                inspection.changes.map(\.key)
                    == ["federation.buffer_size", "training.head_learning_rate", "run.updates"])
            #expect(inspection.finished && inspection.starts == 1)
            let overview = try await sites.finish(["inspect", "run"])
            #expect(
                overview.output.contains(
                    "changed        federation.buffer_size=3, training.head_learning_rate=0.01, run.updates="))
            try await expectReplay(of: sites)
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
                let (found, output) = try await sites.finish(arguments)
                #expect(found == code && output.contains(expected), "\(output)")
            }
            // The first configuration is still the one to start it with.
            try await work(untilUpdates: 24)
            try await expectReplay(of: sites)
            let timeline = try await sites.finish(["inspect", "run", "--list", "records"])
            #expect(
                timeline.output.contains("settings changed: buffer of 3, ends at 16 updates, rates 0.001 and 0.001"))
            #expect(timeline.output.contains("settings changed: buffer of 3, ends at 24 updates, rates 0.001 and 0.01"))
        }
    }

    @Test func aRunBeginsWhereAnotherOneEndedWithAClassMore() async throws {
        try await withLiveSites { sites in
            try sites.folder.make("north", ["glioma": 6, "pituitary": 6])
            let aggregator = try await sites.startAggregator()
            let client = try sites.startClient("north")
            for process in [client, aggregator] { #expect(try await process.exitCode() == 0, "\(process.output)") }
            let more = SiteFolders.classes + ["metastasis"]
            try sites.folder.write("more.txt", more.joined(separator: "\n"))
            try sites.folder.write("other.txt", more.reversed().joined(separator: "\n"))
            let refused = try await sites.startAggregator(classes: "other.txt", ["--from", "run"], run: "other")
            #expect(try await refused.exitCode() == 2)
            #expect(
                refused.output.contains(
                    "--from run: belongs to another model than this run's: classes[0]: expected 'glioma', found"
                        + " 'metastasis'"), "\(refused.output)")

            let second = try await sites.startAggregator(
                ["run.updates=6"], classes: "more.txt", ["--from", "run:3"], run: "second")
            second.signal(SIGTERM)
            #expect(try await second.exitCode() == 0, "\(second.output)")
            // The same command continues the run, and one with other prompts does not.
            let wrong = try await sites.startAggregator(
                ["run.updates=6"], classes: "more.txt", ["--from", "run:2"], run: "second")
            #expect(try await wrong.exitCode() == 2)
            #expect(wrong.output.contains("the run began with version 3 of run and not with version 2"))
            let again = try await sites.startAggregator(
                ["run.updates=6"], classes: "more.txt", ["--from", "run:3"], run: "second")
            try sites.folder.make("south", ["metastasis": 6, "no tumor": 6])
            let south = try sites.startClient("south", run: "second")
            for process in [south, again] { #expect(try await process.exitCode() == 0, "\(process.output)") }
            let inspection = try await sites.finish(["inspect", "second"])
            #expect(inspection.output.contains("started from   version 3 of run, run "), "\(inspection.output)")
            try await expectReplay("second", of: sites)
        }
    }

    @Test func aRunMovesToAnotherMachineAndRefusesAnotherRate() async throws {
        try await withLiveSites { sites in
            try sites.folder.make("north", ["glioma": 6, "pituitary": 6])
            let first = try await sites.startAggregator(["run.updates=5000"])
            let before = try sites.startClient("north")
            try await sites.updates(reach: 4)
            for process in [first, before] {
                process.signal(SIGTERM)
                #expect(try await process.exitCode() == 0, "\(process.output)")
            }
            let changed = try await sites.startAggregator([
                "run.updates=8", "training.head_learning_rate=0.5", "evaluation.interval_seconds=3",
            ])
            #expect(try await changed.exitCode() == 2)
            #expect(
                changed.output.contains(
                    "run.updates: begun with '5000', given '8'; training.head_learning_rate: begun with '0.001', given"
                        + " '0.5'"), "\(changed.output)")

            let there = RunFolder(path: sites.path + "/there/run")
            try FileManager.default.createDirectory(
                atPath: sites.path + "/there", withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: sites.run.path, toPath: there.path)
            try FileManager.default.removeItem(atPath: sites.run.path)
            let moved = try await sites.startAggregator(
                [
                    "run.updates=5000", "endpoints.updates=tcp://127.0.0.2:*", "endpoints.prompts=tcp://127.0.0.2:*",
                    "run.snapshot_versions=2", "evaluation.interval_seconds=0", "worker.threads=2",
                ], run: "there/run")
            let after = try sites.startClient("north", run: "there/run")
            let reached = try RunInspection(log: there.log).updatesAccepted
            try await eventually("further updates: \(after.output)") {
                ((try? RunInspection(log: there.log))?.updatesAccepted ?? 0) > reached
            }
            let (code, output) = try await sites.finish(["set", "there/run", "run.updates=\(reached + 20)"])
            #expect(code == 0, "\(output)")
            for process in [after, moved] { #expect(try await process.exitCode() == 0, "\(process.output)") }
            #expect(try String(contentsOfFile: there.configuration, encoding: .utf8).contains("127.0.0.2"))
            #expect(try RunInspection(log: there.log).finished)
            try await expectReplay("there/run", of: sites)
        }
    }
}
