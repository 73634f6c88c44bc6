import FederationService
import Foundation
import Lab
import Logging
import RunLog
import TestSupport
import Testing

/// A live aggregator that is drained and taken up again, and what services show of their health.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct LiveDrainTests {
    @Test func aDrainedRunGoesOnToItsEndAndReplays() async throws {
        try await withLiveFederation(["run.updates=0"]) { federation in
            let health = federation.path + "/health"
            let first = try federation.startAggregator(["--health", health, "--log-format", "json"])
            try await federation.bound(first)
            let worker = try federation.startWorker(0, ["--health", health + "-0"])
            try await federation.updates(reach: 3)
            for file in [health, health + "-0"] {
                let status = try federation.start(
                    ["status", "--health", file, "--timeout", "30s"], as: "status-\(UUID().uuidString)")
                #expect(try await status.exitCode() == 0, "\(status.output)")
                #expect(status.output.contains(file == health ? "version" : "2 clients"), "\(status.output)")
            }

            let drain = try federation.start(
                ["drain", federation.run.path, "--timeout", "60s", "--output", "json"], as: "drain")
            #expect(try await drain.exitCode() == 0, "\(drain.output)")
            let outcome = try JSONDecoder().decode(Drain.self, from: Data(drain.output.utf8))
            #expect(outcome.state == .resting && outcome.unanswered == 0)
            #expect(try await first.exitCode() == 0, "\(first.output)")
            #expect(!FileManager.default.fileExists(atPath: health), "what has stopped is not healthy")
            let rested = try RunInspection(log: federation.run.log)
            #expect(!rested.finished && rested.updatesAccepted == outcome.updates)
            #expect(rested.updates.allSatisfy { $0.fate != .waiting }, "nothing hangs over")
            let again = try federation.start(["drain", federation.run.path], as: "again")
            #expect(try await again.exitCode() == 0)
            #expect(again.output.hasPrefix("at rest: version"), "\(again.output)")

            try expectJSONLines(first)
            let second = try federation.startAggregator()
            try await federation.updates(reach: rested.updatesAccepted + 3)
            try await federation.finishSoon()
            for process in [second, worker] { #expect(try await process.exitCode() == 0, "\(process.output)") }
            let inspection = try RunInspection(log: federation.run.log)
            #expect(inspection.finished && inspection.starts == 2)
            #expect(try await federation.replay().exitCode == 0)
        }
    }

    private func expectJSONLines(_ process: LiveProcess) throws {
        let lines = process.output.split(separator: "\n")
        let messages = try lines.map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any], "\($0)")
        }.compactMap { $0["message"] as? String }
        #expect(messages.count == lines.count)
        #expect(messages.contains("draining") && messages.contains("at rest"), "\(messages)")
    }

    @Test func oneThatStaysTellsOfTheEndOfItsRunAlsoWhenItIsStartedAgain() async throws {
        try await withLiveFederation(["run.updates=6"]) { federation in
            let aggregator = try federation.startAggregator(["--keep-running"])
            try await federation.bound(aggregator)
            let first = try federation.startWorker(0)
            #expect(try await first.exitCode() == 0, "\(first.output)")
            aggregator.signal(SIGTERM)
            #expect(try await aggregator.exitCode() == 0, "\(aggregator.output)")
            let again = try federation.startAggregator(["--keep-running"])
            try await eventually("an aggregator that tells where it is") {
                if case .open = try federation.run.rendezvous() { true } else { false }
            }
            let latecomer = try federation.startWorker(1)
            #expect(try await latecomer.exitCode() == 0, "\(latecomer.output)")
            #expect(again.isRunning, "\(again.output)")
            again.signal(SIGTERM)
            #expect(try await again.exitCode() == 0, "\(again.output)")
            #expect(try await federation.replay().exitCode == 0)
            let refused = try federation.startAggregator()
            #expect(try await refused.exitCode() == 1)
            #expect(refused.output.contains("the run has finished"), "\(refused.output)")
        }
    }

    @Test func whereNobodyIsAtWorkTheRequestIsTakenBack() async throws {
        try await withLiveFederation { federation in
            let folder = federation.run
            try folder.create()
            await #expect(throws: RunFolderError.self) { try await Drain.request(in: folder, patience: .zero) }
            try Data().write(to: URL(fileURLWithPath: folder.segment(1)))
            let error = await #expect(throws: RunFolderError.self) {
                try await Drain.request(in: folder, patience: .zero, attention: .milliseconds(300))
            }
            #expect(error?.description.contains("no aggregator is at work on this run") == true)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["run-000001.mcap"])
        }
    }

    @Test func aHealthFileThatIsOldOrMissingIsNoHealth() throws {
        try withTemporaryFolder { path in
            let file = HealthFile(path: path + "/health")
            let missing = #expect(throws: StatusError.self) { try file.read(noOlderThan: .seconds(60)) }
            #expect(missing?.description.contains("not ready") == true)
            let reporter = ServiceReporter(environment: [:], health: file)
            reporter.ready("two\nlines")
            #expect(try file.read(noOlderThan: .seconds(60)) == "two lines")
            let past = Date(timeIntervalSinceNow: -100)
            try FileManager.default.setAttributes([.modificationDate: past], ofItemAtPath: file.path)
            let old = #expect(throws: StatusError.self) { try file.read(noOlderThan: .seconds(60)) }
            #expect(old?.description.contains("not shown itself for 100 s") == true, "\(old?.description ?? "")")
            reporter.stopping()
            #expect(!FileManager.default.fileExists(atPath: file.path))
        }
    }

    @Test func aLineOfJSONKeepsItsFieldsApart() throws {
        let line = LogLine(
            level: .warning, label: "work", message: "two\nlines \"quoted\"",
            fields: ["message": "not the message"], time: Date(timeIntervalSince1970: 0.25)
        ).formatted(as: .json)
        #expect(line.hasSuffix("}\n") && line.dropLast().contains("\n") == false)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(object["message"] as? String == "two\nlines \"quoted\"" && object["level"] as? String == "warning")
        #expect(object["logger"] as? String == "work" && object["time"] as? String == "1970-01-01T00:00:00.250Z")
        #expect(object["fields"] as? [String: String] == ["message": "not the message"])
    }
}
