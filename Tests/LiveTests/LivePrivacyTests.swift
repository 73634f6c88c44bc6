import Foundation
import Lab
import PromptAggregation
import RunLog
import TestSupport
import Testing
import Text

/// Workers whose clients protect their updates.
@Suite struct LivePrivacyTests {
    private let settings = ["privacy.clip_norm=0.5", "privacy.noise_multiplier=2", "federation.maximum_staleness=50"]

    @Test(.timeLimit(.minutes(10))) func aWorkerThatIsKilledKeepsAccount() async throws {
        let three = PrivacyAccountant.epsilon(rho: 3 * PrivacyAccountant.rho(noiseMultiplier: 2), delta: 1e-5)
        try await withLiveFederation(settings + ["privacy.epsilon_budget=\(three)", "run.updates=0"]) { federation in
            let aggregator = try await federation.startBoundAggregator()
            let steady = try federation.startWorker(0)
            let killed = try federation.startWorker(1)
            try await eventually("updates of the killed worker") {
                federation.clients { ["client-01", "client-03"].contains($0.client) && $0.updatesUsed > 0 } > 0
            }
            try await killed.crash()
            let restarted = try federation.startWorker(1)
            for worker in [steady, restarted] {
                #expect(try await worker.exitCode() == 0, "\(worker.output)")
                #expect(worker.output.contains("privacy.epsilon_budget"), "\(worker.output)")
            }
            for client in 0..<4 {
                let folder = "\(federation.path)/outbox/client-0\(client)"
                let accounts = try FileManager.default.contentsOfDirectory(atPath: folder)
                    .filter { $0.hasSuffix(".privacy.txt") }
                #expect(accounts.count == 1)
                let account = folder + "/" + (accounts.first ?? "")
                #expect(try String(contentsOfFile: account, encoding: .utf8) == "updates 3\nrho 0.375\n")
            }
            #expect(federation.outboxFiles.isEmpty, "what was made is delivered before a client leaves")
            aggregator.signal(SIGTERM)
            #expect(try await aggregator.exitCode() == 0)
            let inspection = try RunInspection(log: federation.run.log)
            #expect(inspection.clients.count == 4 && inspection.clients.allSatisfy { ($0.epsilon ?? 9) <= three })
            #expect(inspection.clients.count { $0.epsilon == three } >= 2)
            let inspect = try federation.start(["inspect", federation.run.path], as: "inspect")
            #expect(try await inspect.exitCode() == 0)
            #expect(inspect.output.contains("epsilon") && inspect.output.contains(decimal(three, 3)))
        }
    }
}
