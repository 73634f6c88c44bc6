import Federation
import Foundation
import Lab
import PromptAggregation
import RunLog
import Safetensors
import TestSupport
import Testing
import Text

/// What a run's log shows: each update and what became of it, each record in its order, and files for other tools.
@Suite(.serialized) struct InspectionTests {
    @Test func everyUpdateIsToldWithWhatBecameOfIt() throws {
        try withTemporaryFolder { folder in
            let run = try simulateSmallRun(
                folder,
                [
                    "strategy.name=fedavg", "federation.mode=synchronous", "federation.cohort=2",
                    "federation.over_selection=1", "run.updates=20",
                ])
            let inspection = try RunInspection(log: run.log)
            let accepted = inspection.updates.filter { [.used, .discarded, .waiting].contains($0.fate) }
            #expect(accepted.count == inspection.updatesAccepted)
            #expect(accepted.contains { $0.fate == .discarded }, "the run has rounds with stragglers")
            #expect(inspection.updates.filter { $0.fate == .duplicate }.count == inspection.duplicates)
            for version in inspection.versions {
                let used = inspection.updates.filter { $0.version == version.version }
                let names: Set<String> = Set(used.map { "\($0.client) \($0.task)" })
                let published: Set<String> = Set(version.updates.map { "\($0.client) \($0.task)" })
                #expect(names == published)
                let weights: Double = used.reduce(0) { sum, update in sum + update.weight! }
                #expect(abs(weights - 1) < 1e-9)
                #expect(used.allSatisfy { $0.staleness == version.version - 1 - $0.baseVersion })
            }
            #expect(inspection.updates.map(\.bytes).reduce(0, +) < inspection.clients.map(\.bytes).reduce(0, +))
        }
    }

    @Test func aVersionOrAClientAreSingledOut() throws {
        try withTemporaryFolder { folder in
            let run = try simulateSmallRun(folder, ["run.updates=8"])
            let whole = try RunInspection(log: run.log)
            var version = whole
            try version.select(version: 2)
            #expect(version.versions.map(\.version) == [2])
            #expect(version.updates.count == whole.versions[1].updates.count)
            #expect(Set(version.clients.map(\.client)) == Set(version.updates.map(\.client)))
            let name = whole.updates[0].client
            var client = whole
            try client.select(client: name)
            #expect(client.clients.map(\.client) == [name])
            #expect(client.versions.flatMap(\.updates).count == client.clients[0].updatesUsed)
            #expect(client.updates.allSatisfy { $0.client == name })
            #expect(throws: ReplayError("\(run.log): expected a version from 1 to \(whole.versions.count), found 77")) {
                var copy = whole
                try copy.select(version: 77)
            }
            #expect(throws: ReplayError("\(run.log): no client 'nobody' in the log")) {
                var copy = whole
                try copy.select(client: "nobody")
            }
        }
    }

    @Test func theTimelineHoldsEveryRecordOnce() throws {
        try withTemporaryFolder { folder in
            let run = try simulateSmallRun(folder, ["run.updates=4"])
            var entries: [RunTimeline.Entry] = []
            try RunTimeline.read(log: run.log) { entries.append($0) }
            #expect(entries.map(\.record) == Array(1..<(try Replay(path: run.log)).records))
            let inspection = try RunInspection(log: run.log)
            #expect(entries.filter { $0.event == .update }.count == inspection.updates.count)
            #expect(entries.filter { $0.event == .publication }.count == inspection.versions.count + 1)
            #expect(entries.contains { $0.outcomes.contains("run finished") })
            #expect(entries.filter { $0.outcomes.contains("accepted") }.count == 4)
            #expect(zip(entries, entries.dropFirst()).allSatisfy { $0.seconds <= $1.seconds })
        }
    }

    @Test func untilStopsAtThePublicationOfAVersion() throws {
        try withTemporaryFolder { folder in
            let run = try simulateSmallRun(folder, ["run.updates=8"])
            for version in 0...2 {
                var seen: [Int] = []
                let replay = try Replay(path: run.log, until: version) { step in
                    if case .checked(let publication) = step { seen.append(publication.version) }
                }
                #expect(seen == Array(0...version))
                #expect(replay.aggregator?.version == version)
            }
        }
    }

    @Test func anExportHoldsTheRun() throws {
        try withTemporaryFolder { folder in
            let run = try simulateSmallRun(folder + "/run", ["run.updates=8"])
            let target = folder + "/figures"
            let files = try RunExport.write(log: run.log, to: target, versions: [1, 3]).files
            #expect(
                files.map { String($0.dropFirst(target.count + 1)) } == [
                    "versions.csv", "updates.csv", "clients.csv", "evaluations.csv", "prompts-1.safetensors",
                    "prompts-3.safetensors",
                ])
            let inspection = try RunInspection(log: run.log)
            let versions = try rows("\(target)/versions.csv")
            #expect(versions.map { $0["digest"] } == inspection.versions.map(\.digest))
            #expect(versions.map { $0["contributions"] } == inspection.versions.map { "\($0.updates.count)" })
            let updates = try rows("\(target)/updates.csv")
            #expect(updates.map { $0["client"] } == inspection.updates.map(\.client))
            #expect(updates.map { Double($0["weight"]!) } == inspection.updates.map(\.weight))
            #expect(try rows("\(target)/clients.csv").count == 4)
            #expect(
                try String(contentsOfFile: "\(target)/evaluations.csv", encoding: .utf8)
                    == String(contentsOfFile: run.evaluations, encoding: .utf8))
            let state = try Replay(path: run.log, until: 3).aggregator!.current.state
            let file = try SafetensorsFile(path: "\(target)/prompts-3.safetensors")
            #expect(file.metadata["digest"] == inspection.versions[2].digest && file.metadata["version"] == "3")
            #expect(file.names.sorted() == state.parameters.names)
            for entry in state.parameters.entries {
                #expect(try file.tensor(named: entry.name).floats() == entry.tensor.values)
            }
            #expect(throws: ReplayError.self) { try RunExport.write(log: run.log, to: target, versions: [50]) }
            let last = try RunExport.write(log: run.log, to: folder + "/last").files.last
            #expect(last == "\(folder)/last/prompts-\(inspection.version).safetensors")
        }
    }

    /// The lines of a CSV whose fields need no quotes, by column.
    private func rows(_ path: String) throws -> [[String: String]] {
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        let columns = lines[0].split(separator: ",").map(String.init)
        return try lines.dropFirst().map { line in
            let fields = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            try #require(fields.count == columns.count, "\(path): \(line)")
            return Dictionary(uniqueKeysWithValues: zip(columns, fields))
        }
    }

    @Test func aFieldThatNeedsQuotesHasThem() {
        #expect(
            CSV.row(["a", "b,c", "say \"no\"", "", "two\nlines"])
                == "a,\"b,c\",\"say \"\"no\"\"\",,\"two\nlines\"")
    }
}
