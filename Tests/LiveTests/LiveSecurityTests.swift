import Foundation
import Lab
import RunLog
import TestSupport
import Testing

/// Keys on the live services: who may connect, for whom each may speak, and what is not bound without them.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct LiveSecurityTests {
    /// Runs `impromptu keys` on the federation's folder of keys.
    private func keys(_ arguments: [String], in federation: LiveFederation) async throws -> LiveProcess {
        let process = try federation.start(
            ["keys"] + arguments + ["--keys", federation.path + "/keys"], as: "keys")
        _ = try await process.exitCode()
        return process
    }

    private func makeKeys(_ arguments: [String], in federation: LiveFederation) async throws -> LiveProcess {
        try await keys(["make"] + arguments, in: federation)
    }

    @Test(.enabled(if: python != nil, "IMPROMPTU_PYTHON names no Python with pyzmq, protobuf and numpy"))
    func onlyKnownKeysTakePartAndEachUnderItsOwnNames() async throws {
        try await withLiveFederation(["run.updates=8", "federation.clients_to_start=3"], keys: true) { federation in
            let made = try await makeKeys(
                ["--config", federation.path + "/run.yaml", "--workers", "2", "--name", "guest", "--client", "guest"],
                in: federation)
            #expect(made.output.contains("worker-1.secret, which speaks for client-01 client-03"), "\(made.output)")
            let stranger = try federation.start(
                ["keys", "make", "--keys", federation.path + "/other", "--name", "stranger"], as: "other")
            #expect(try await stranger.exitCode() == 0)

            let aggregator = try await federation.startBoundAggregator()
            func join(as client: String, with key: String, seconds: Double) throws -> LiveProcess {
                let keys = federation.path
                return try federation.startPython(
                    client, ["\(seconds)", "\(keys)/\(key).secret", "\(keys)/keys/aggregator.public"])
            }
            let unknown = try join(as: "stranger", with: "other/stranger", seconds: 3)
            let impostor = try join(as: "client-00", with: "keys/guest", seconds: 3)
            #expect(try await unknown.exitCode() == 3)
            #expect(try await impostor.exitCode() == 3)
            #expect(try RunInspection(log: federation.run.log).clients.isEmpty, "nothing of either got through")
            #expect(aggregator.output.contains("unknown key kept out"), "\(aggregator.output)")
            #expect(aggregator.output.contains("client=client-00") && aggregator.output.contains("key=guest"))

            let guest = try join(as: "guest", with: "keys/guest", seconds: 60)
            let worker = try federation.startWorker(1)
            for process in [aggregator, guest, worker] {
                #expect(try await process.exitCode() == 0, "\(process.output)")
            }
            let clients = try RunInspection(log: federation.run.log).clients
            #expect(clients.map(\.client) == ["client-01", "client-03", "guest"])
            #expect(clients.allSatisfy { $0.updatesUsed > 0 })
            #expect(try await federation.replay().exitCode == 0)
        }
    }

    @Test func keysThatAreAddedReplacedAndRevokedTakeEffectAtAHangup() async throws {
        try await withLiveFederation(["federation.clients_to_start=2", "run.updates=0"], keys: true) { federation in
            _ = try await makeKeys([], in: federation)
            let aggregator = try await federation.startBoundAggregator()
            // The aggregator has read its list; this key comes too late for it.
            _ = try await makeKeys(
                ["--name", "worker-1", "--client", "client-01", "--client", "client-03"], in: federation)
            let early = try federation.startWorker(1)
            #expect(try await early.exitCode() == 2)
            #expect(early.output.contains("does not know this worker's key"), "\(early.output)")

            aggregator.signal(SIGHUP)
            try await eventually("the keys: \(aggregator.output)") { aggregator.output.contains("added=worker-1") }
            let worker = try federation.startWorker(1)
            try await federation.updates(reach: 2)

            let rotated = try await keys(["rotate", "worker-1"], in: federation)
            #expect(rotated.output.contains("keys/worker-1.secret"), "\(rotated.output)")
            aggregator.signal(SIGHUP)
            #expect(try await worker.exitCode() == 2, "its key was replaced: \(worker.output)")
            let again = try federation.startWorker(1)
            let before = try RunInspection(log: federation.run.log).updatesAccepted
            try await federation.updates(reach: before + 2)

            _ = try await keys(["revoke", "worker-1"], in: federation)
            aggregator.signal(SIGHUP)
            #expect(try await again.exitCode() == 2, "\(again.output)")
            #expect(again.output.contains("does not know this worker's key"), "\(again.output)")
            #expect(aggregator.output.contains("removed=worker-1"), "\(aggregator.output)")

            // A list that cannot be read changes nothing.
            try "worker-1 short *".write(toFile: federation.path + "/keys/allowed", atomically: true, encoding: .utf8)
            aggregator.signal(SIGHUP)
            try await eventually("the problem: \(aggregator.output)") {
                aggregator.output.contains("keys not reloaded") && aggregator.output.contains("keys/allowed:1")
            }
            aggregator.signal(SIGTERM)
            #expect(try await aggregator.exitCode() == 0)
            #expect(try await federation.replay().exitCode == 0)
        }
    }

    @Test func aWorkerWithAnotherAggregatorsKeySaysWhatMayBeWrong() async throws {
        try await withLiveFederation(keys: true) { federation in
            _ = try await makeKeys(["--name", "worker-0"], in: federation)
            let other = try federation.start(
                ["keys", "make", "--keys", federation.path + "/other", "--name", "worker-0"], as: "other")
            #expect(try await other.exitCode() == 0)
            let aggregator = try await federation.startBoundAggregator()
            let worker = try federation.startWorker(
                0,
                [
                    "--set", "security.keys=\(federation.path)/other", "--set",
                    "endpoints.updates=\(try federation.endpoint("updates"))", "--set",
                    "endpoints.prompts=\(try federation.endpoint("prompts"))",
                ], finding: [])
            try await eventually("a word on the silence: \(worker.output)") {
                worker.output.contains("no aggregator is heard") || !worker.isRunning
            }
            #expect(worker.output.contains("security.aggregator_key"), "\(worker.output)")
            for process in [aggregator, worker] {
                process.signal(SIGTERM)
                _ = try await process.exitCode()
            }
        }
    }

    @Test func withoutKeysNothingIsBoundThatOthersReach() async throws {
        try await withLiveFederation { federation in
            let open = ["--set", "endpoints.updates=tcp://0.0.0.0:*"]
            let refused = try federation.startAggregator(open)
            #expect(try await refused.exitCode() == 2)
            #expect(refused.output.contains("security.keys") && refused.output.contains("security.open_network"))
            #expect(refused.output.split(separator: "\n").count == 1, "\(refused.output)")
            #expect(!FileManager.default.fileExists(atPath: federation.run.path))
            let aggregator = try federation.startAggregator(open + ["--set", "security.open_network=true"])
            try await federation.bound(aggregator)
            #expect(aggregator.isRunning, "\(aggregator.output)")
            aggregator.signal(SIGTERM)
            #expect(try await aggregator.exitCode() == 0)
        }
    }
}
