import Foundation
import Lab
import RunLog
import TestSupport
import Testing

/// Processes that are asked to stop, and come back, and find each other by the run folder.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct LiveStopTests {
    /// Starts a worker that looks for the aggregator in the run folder.
    private func startFollower(_ index: Int, of federation: LiveFederation, _ more: [String] = []) throws -> LiveProcess
    {
        try federation.startWorker(index, more, finding: [federation.run.path])
    }

    private func goodbyes(in federation: LiveFederation) throws -> [String] {
        var clients: [String] = []
        try RunTimeline.read(log: federation.run.log) { entry in
            if entry.event == .goodbye, let client = entry.client { clients.append(client) }
        }
        return clients
    }

    @Test func bothSidesStopInOrderAndTheRunGoesOnElsewhere() async throws {
        try await withLiveFederation(["run.updates=0"]) { federation in
            // Before there is a run: it waits.
            let first = try startFollower(0, of: federation)
            let steady = try startFollower(1, of: federation)
            let firstAggregator = try federation.startAggregator()
            try await eventually("an update of every client") { federation.clients { $0.updatesUsed > 0 } == 4 }

            first.signal(SIGTERM)
            #expect(try await first.exitCode() == 0, "\(first.output)")
            #expect(first.output.contains("end=stopped"), "\(first.output)")
            try await eventually("goodbyes in the log") {
                try goodbyes(in: federation).sorted() == ["client-00", "client-02"]
            }
            firstAggregator.signal(SIGTERM)
            #expect(try await firstAggregator.exitCode() == 0, "\(firstAggregator.output)")
            #expect(try !RunInspection(log: federation.run.log).finished)
            let before = try String(contentsOfFile: federation.run.endpoints, encoding: .utf8)

            // Where it was, somebody else listens now; both workers look for it.
            let taken = try TakenPort(try federation.endpoint("updates"))
            let restarted = try startFollower(0, of: federation)
            let aggregator = try federation.startAggregator()
            try await eventually("other endpoints") {
                try String(contentsOfFile: federation.run.endpoints, encoding: .utf8) != before
            }
            withExtendedLifetime(taken) {}
            try await eventually("the restarted worker's clients") { federation.clients { $0.sessions == 2 } == 2 }
            try await federation.finishSoon()
            for process in [aggregator, steady, restarted] {
                #expect(try await process.exitCode() == 0, "\(process.output)")
            }
            let inspection = try RunInspection(log: federation.run.log)
            #expect(inspection.finished && inspection.starts == 2)
            #expect(inspection.clients.map(\.sessions) == [2, 1, 2, 1])
            #expect(try await federation.replay().exitCode == 0)
            let late = try startFollower(1, of: federation)
            #expect(try await late.exitCode() == 0 && late.output.contains("the run has finished"), "\(late.output)")
        }
    }

    @Test func aWorkerThatIsToStopGivesUpWhatTakesTooLong() async throws {
        try await withLiveFederation(["worker.delay_seconds=600", "worker.grace_seconds=0.5"]) { federation in
            let aggregator = try await federation.startBoundAggregator()
            let worker = try federation.startWorker(0)
            try await eventually("a task in training") {
                (try? RunInspection(log: federation.run.log))?.clients.count == 2
            }
            try await Task.sleep(for: .seconds(1))
            worker.signal(SIGTERM)
            #expect(try await worker.exitCode(within: 30) == 0, "\(worker.output)")
            try await eventually("goodbyes in the log") {
                try goodbyes(in: federation).sorted() == ["client-00", "client-02"]
            }
            aggregator.signal(SIGTERM)
            #expect(try await aggregator.exitCode() == 0)
        }
    }

    @Test func aWorkerWithNobodyToHostOrToTalkToSaysSo() async throws {
        try await withLiveFederation { federation in
            let spare = try federation.start(
                ["work", "--config", federation.path + "/run.yaml", "--index", "5", "--workers", "6"], as: "spare")
            #expect(try await spare.exitCode() == 0)
            #expect(spare.output.contains("nothing to do: worker 5 of 6 has none of the 4 clients"), "\(spare.output)")
            let impatient = try startFollower(0, of: federation, ["--timeout", "1s"])
            #expect(try await impatient.exitCode() == 75)
            let words = impatient.output.split(separator: "\n").last ?? ""
            #expect(words.contains("waited 1 s for \(federation.run.endpoints)"), "\(impatient.output)")
            let stray = try federation.start(
                ["work", "--config", federation.path + "/run.yaml", "--slurm"], as: "stray")
            #expect(try await stray.exitCode() == 2)
            #expect(stray.output.contains("SLURM_ARRAY_TASK_ID"), "\(stray.output)")
        }
    }
}
