import Foundation
import Lab
import RunLog
import TestSupport
import Testing

/// The relay: workers that reach the aggregator only through it, with keys from end to end, and its bytes.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct LiveRelayTests {
    private func startRelay(_ federation: LiveFederation, _ more: [String] = []) throws -> LiveProcess {
        try federation.start(
            ["relay", federation.run.path, federation.path + "/relay", "--advertise", "lo"] + more, as: "relay"
        )
    }

    private func startWorker(_ index: Int, of federation: LiveFederation) throws -> LiveProcess {
        try federation.startWorker(index, finding: [federation.path + "/relay"])
    }

    @Test func aFederationWithKeysRunsThroughARelayThatHasNone() async throws {
        try await withLiveFederation(["run.updates=0"], keys: true) { federation in
            let keys = try federation.start(
                [
                    "keys", "make", "--keys", federation.path + "/keys", "--config", federation.path + "/run.yaml",
                    "--workers", "2",
                ],
                as: "keys")
            #expect(try await keys.exitCode() == 0)
            // What a worker needs is its own secret; the aggregator's public key comes by way of the relay's file.
            try FileManager.default.removeItem(atPath: federation.path + "/keys/aggregator.public")
            let relay = try startRelay(federation)
            let workers = try (0..<2).map { try startWorker($0, of: federation) }
            let firstAggregator = try federation.startAggregator()
            try await eventually("an update of every client: \(relay.output)") {
                federation.clients { $0.updatesUsed > 0 } == 4
            }

            try await relay.crash()
            let secondRelay = try startRelay(federation)
            try await firstAggregator.crash()
            // The aggregator comes back at another port, which the relay alone needs to know.
            let taken = try TakenPort(try federation.endpoint("updates"))
            let before = try RunInspection(log: federation.run.log).updatesAccepted
            let aggregator = try federation.startAggregator()
            try await federation.updates(reach: before + 3)
            try await federation.finishSoon()
            for process in [aggregator, secondRelay] + workers {
                #expect(try await process.exitCode() == 0, "\(process.output)")
            }
            withExtendedLifetime(taken) {}
            let inspection = try RunInspection(log: federation.run.log)
            #expect(inspection.finished && inspection.starts == 2)
            #expect(inspection.clients.map(\.sessions) == [1, 1, 1, 1])
            #expect(aggregator.output.contains("malformed=0") && aggregator.output.contains("impostures=0"))
            #expect(try await federation.replay().exitCode == 0)
            #expect(
                try String(contentsOfFile: federation.path + "/relay/endpoints.yaml", encoding: .utf8)
                    .hasPrefix("# The run has finished"))
        }
    }

    @Test func withoutKeysNobodyFromElsewhereIsLetIn() async throws {
        try await withLiveFederation { federation in
            let aggregator = try await federation.startBoundAggregator()
            let refused = try startRelay(federation)
            #expect(try await refused.exitCode() == 2)
            #expect(refused.output.contains("--open-network"), "\(refused.output)")
            // A file without the relay's earlier addresses keeps it from nothing, and is reported.
            try FileManager.default.createDirectory(
                atPath: federation.path + "/relay", withIntermediateDirectories: true)
            try Data("endpoints: [".utf8).write(to: URL(fileURLWithPath: federation.path + "/relay/endpoints.yaml"))
            let here = try startRelay(
                federation, ["--bind-updates", "tcp://127.0.0.1:*", "--bind-prompts", "tcp://127.0.0.1:*"])
            try await eventually("a relay: \(here.output)") { here.output.contains("the aggregator is found") }
            #expect(here.output.contains("its previous port is unavailable"), "\(here.output)")
            for process in [here, aggregator] {
                process.signal(SIGTERM)
                #expect(try await process.exitCode() == 0, "\(process.output)")
            }
        }
    }

    @Test func bytesArriveWholeAndEndsArePassedOn() async throws {
        try await withLiveFederation { federation in
            let python = try LiveProcess(
                "/usr/bin/env", ["python3", Self.script, LiveFederation.program, federation.path + "/bytes"],
                log: federation.path + "/python.log")
            #expect(try await python.exitCode() == 0, "\(python.output)")
            #expect(python.output.contains("4 things hold"), "\(python.output)")
        }
    }

    private static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Interop/relay_bytes.py").path
}
