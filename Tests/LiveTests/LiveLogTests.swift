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

    private func acknowledgements(in federation: LiveFederation) throws -> Int {
        let outbox = federation.path + "/outbox"
        let clients = try FileManager.default.contentsOfDirectory(atPath: outbox)
        return clients.reduce(0) { sum, client in
            let text = try? String(contentsOfFile: "\(outbox)/\(client)/acknowledged.txt", encoding: .utf8)
            return sum + (text?.split(separator: "\n").count ?? 0)
        }
    }
}
