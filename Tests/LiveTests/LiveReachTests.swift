import Foundation
import Lab
import RunLog
import TestSupport
import Testing

/// Workers that reach their aggregator by names and in both families of addresses, and say so when they do not.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct LiveReachTests {
    @Test(arguments: [("tcp://[::1]:*", "tcp://[::1]:*"), ("tcp://localhost:*", "tcp://*:*")])
    func namesAndBothFamiliesOfAddressesWork(updates: String, prompts: String) async throws {
        let settings = [
            "endpoints.updates=\(updates)", "endpoints.prompts=\(prompts)", "endpoints.advertise=localhost",
            "security.open_network=true", "run.updates=4", "federation.clients_to_start=2",
        ]
        try await withLiveFederation(settings) { federation in
            let aggregator = try await federation.startBoundAggregator()
            let checked = try federation.start(
                [
                    "check", "worker", "--config", federation.path + "/run.yaml", "--config", federation.run.endpoints,
                    "--index",
                    "0", "--workers", "2",
                ], as: "check")
            _ = try await checked.exitCode()
            #expect(checked.output.contains("answers"), "\(checked.output)")
            let worker = try federation.startWorker(0, finding: [federation.run.path])
            for process in [aggregator, worker] { #expect(try await process.exitCode() == 0, "\(process.output)") }
            #expect(worker.output.contains("the aggregator is heard"), "\(worker.output)")
        }
    }

    @Test func aRelayListensAndConnectsInBothFamilies() async throws {
        let settings = ["endpoints.updates=tcp://[::1]:*", "endpoints.prompts=tcp://[::1]:*", "run.updates=4"]
        try await withLiveFederation(settings + ["federation.clients_to_start=2"]) { federation in
            let aggregator = try await federation.startBoundAggregator()
            let near = RunFolder(path: federation.path + "/relay")
            let relay = try federation.start(
                [
                    "relay", federation.run.path, near.path, "--bind-updates", "tcp://localhost:*",
                    "--bind-prompts", "tcp://[::1]:*",
                ], as: "relay")
            try await eventually("the relay's endpoints: \(relay.output)") {
                FileManager.default.fileExists(atPath: near.endpoints) || !relay.isRunning
            }
            let worker = try federation.startWorker(0, finding: [near.path])
            for process in [aggregator, worker] { #expect(try await process.exitCode() == 0, "\(process.output)") }
        }
    }

    @Test func aWorkerSaysThatNobodyListensAndWhenItHearsTheAggregatorAgain() async throws {
        try await withLiveFederation(["run.updates=4", "federation.clients_to_start=2"]) { federation in
            let first = try await federation.startBoundAggregator()
            try await first.crash()
            let worker = try federation.startWorker(0)
            try await eventually("a word on the silence: \(worker.output)") {
                worker.output.contains("no aggregator is heard")
            }
            #expect(worker.output.contains("nobody answers") && worker.output.contains("tcp://127.0.0.1:"))
            let second = try federation.startAggregator()
            for process in [second, worker] { #expect(try await process.exitCode() == 0, "\(process.output)") }
            #expect(worker.output.contains("the aggregator is heard"), "\(worker.output)")
        }
    }

    @Test func swappedEndpointsAreNamed() async throws {
        try await withLiveFederation { federation in
            let aggregator = try await federation.startBoundAggregator()
            let worker = try federation.startWorker(
                0,
                [
                    "--set", "endpoints.updates=\(try federation.endpoint("prompts"))",
                    "--set", "endpoints.prompts=\(try federation.endpoint("updates"))",
                ])
            try await eventually("a word on the silence: \(worker.output)") { worker.output.contains("swapped") }
            for process in [aggregator, worker] {
                process.signal(SIGTERM)
                _ = try await process.exitCode()
            }
        }
    }
}
