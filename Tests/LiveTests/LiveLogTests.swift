import Foundation
import RunLog
import TestSupport
import Testing

/// A log that another hand takes away under a running aggregator.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct LiveLogTests {
    enum Hand: CaseIterable, Sendable {
        case removes, replaces, cuts

        func touch(_ log: String) throws {
            switch self {
            case .removes: try FileManager.default.removeItem(atPath: log)
            case .replaces:
                try FileManager.default.copyItem(atPath: log, toPath: log + ".copy")
                #expect(rename(log + ".copy", log) == 0)
            case .cuts: #expect(truncate(log, 100) == 0)
            }
        }
    }

    @Test(arguments: Hand.allCases) func theAggregatorNoticesAndAcknowledgesNothingMore(hand: Hand) async throws {
        try await withLiveFederation(["run.updates=0"]) { federation in
            let aggregator = try await federation.startBoundAggregator()
            let worker = try federation.startWorker(0)
            try await federation.updates(reach: 2)
            try hand.touch(federation.run.segment(1))
            #expect(try await aggregator.exitCode() == 1)
            // What a cut meets first, the next write or the next look at the file, is chance.
            let words = hand == .cuts ? "changed by another hand" : "the run's log was changed by another hand"
            #expect(
                aggregator.output.contains(federation.run.log) && aggregator.output.contains(words),
                "\(aggregator.output)")
            let known = try acknowledgements(in: federation)
            try await Task.sleep(for: .seconds(2))
            #expect(try acknowledgements(in: federation) == known)
            worker.signal(SIGTERM)
            _ = try await worker.exitCode()
        }
    }

    /// The worker's side of it: its outboxes are taken away, or the file that keeps other workers off.
    @Test(arguments: ["", "client-02", "client-00/lock"]) func aWorkerNoticesThatItsOutboxIsGone(part: String)
        async throws
    {
        try await withLiveFederation(["run.updates=0"]) { federation in
            let aggregator = try await federation.startBoundAggregator()
            let worker = try federation.startWorker(0)
            try await federation.updates(reach: 2)
            let outbox = federation.path + "/outbox"
            if part.hasSuffix("lock") {
                try FileManager.default.removeItem(atPath: "\(outbox)/\(part)")
                try Data().write(to: URL(filePath: "\(outbox)/\(part)"))
            } else {
                try FileManager.default.moveItem(atPath: "\(outbox)/\(part)", toPath: federation.path + "/away")
            }
            #expect(try await worker.exitCode() == 1, "\(worker.output)")
            let says = worker.output.contains("was removed or replaced by another hand")
            #expect(says && worker.output.contains("/lock is not the file that was locked"), "\(worker.output)")
            aggregator.signal(SIGTERM)
            #expect(try await aggregator.exitCode() == 0)
        }
    }

    @Test func aFolderWhoseLogIsGoneBeginsNoNewRun() async throws {
        try await withLiveFederation(["run.updates=2"]) { federation in
            let aggregator = try await federation.startBoundAggregator()
            let worker = try federation.startWorker(0)
            #expect(try await aggregator.exitCode() == 0, "\(aggregator.output)")
            _ = try await worker.exitCode()
            try FileManager.default.removeItem(atPath: federation.run.segment(1))
            let again = try federation.startAggregator()
            #expect(try await again.exitCode() == 1)
            #expect(again.output.contains("expected the log of the run that left"), "\(again.output)")
            #expect(!FileManager.default.fileExists(atPath: federation.run.segment(1)))
        }
    }

    /// Whatever else of the run's files is left.
    @Test func aFolderWithTablesAloneBeginsNoNewRun() async throws {
        try await withLiveFederation([]) { federation in
            try federation.run.create()
            try federation.run.write("version,seconds\n", to: federation.run.metrics)
            try federation.run.write("version,seconds\n1,2.5\n", to: federation.run.evaluations)
            let aggregator = try federation.startAggregator()
            #expect(try await aggregator.exitCode() == 1)
            let words = "expected the log of the run that left \(federation.run.evaluations), found none"
            #expect(aggregator.output.contains(words), "\(aggregator.output)")
        }
    }

    /// The newest file is gone, or an older copy took its place: the log that is left is sound, and clients rely on more.
    @Test(arguments: [true, false]) func aLogThatEndsBeforeWhatItLeftIsNotContinued(removes: Bool) async throws {
        try await withLiveFederation(["run.updates=0", "log.segment_bytes=4096"]) { federation in
            let run = federation.run
            let aggregator = try await federation.startBoundAggregator()
            let worker = try federation.startWorker(0)
            try await eventually("a second segment: \(aggregator.output)") { (try run.segments().last ?? 0) >= 2 }
            let kept = try #require(try run.segments().last)
            let copy = try Data(contentsOf: URL(filePath: run.segment(kept)))
            try await federation.updates(reach: 40)
            aggregator.signal(SIGTERM)
            #expect(try await aggregator.exitCode() == 0)
            worker.signal(SIGTERM)
            _ = try await worker.exitCode()
            for number in try run.segments() where number > kept || number == kept && removes {
                try FileManager.default.removeItem(atPath: run.segment(number))
            }
            if !removes { try copy.write(to: URL(filePath: run.segment(kept))) }
            let left = try Data(contentsOf: URL(filePath: run.segment(removes ? kept - 1 : kept)))
            let again = try federation.startAggregator()
            #expect(try await again.exitCode() == 1)
            let says = again.output.contains("records that clients rely on are missing")
            #expect(says && again.output.contains(run.prompts), "\(again.output)")
            if removes {
                #expect(try Data(contentsOf: URL(filePath: run.segment(kept - 1))) == left, "a refused log stays")
            }
            try FileManager.default.removeItem(atPath: run.prompts)
            try FileManager.default.removeItem(atPath: run.snapshotsFolder)
            let last = try federation.startAggregator()
            try await eventually("it continues: \(last.output)") {
                last.output.contains("records run through the core")
            }
            last.signal(SIGTERM)
            #expect(try await last.exitCode() == 0, "\(last.output)")
        }
    }

    private func acknowledgements(in federation: LiveFederation) throws -> Int {
        let outbox = federation.path + "/outbox"
        let clients = try FileManager.default.contentsOfDirectory(atPath: outbox)
        return clients.reduce(0) { sum, client in
            let text = try? String(contentsOfFile: "\(outbox)/\(client)/acknowledged.txt", encoding: .utf8)
            return sum + (text?.split(separator: "\n").count ?? 0)
        }
    }
}
