import Federation
import FederationRun
import Foundation
import Lab
import PromptAggregation
import RunLog
import RunSettings
import TestSupport
import Testing

/// Runs whose clients protect their updates.
@Suite(.serialized) struct PrivacyRunTests {
    private let settings = ["privacy.clip_norm=0.5", "privacy.noise_multiplier=2", "federation.maximum_staleness=50"]

    @Test(
        "all that is sent is covered, and the run replays",
        arguments: [
            ["strategy.name=pfpt-async"], ["strategy.name=fedavg", "prompts.key_projection=true"],
            ["strategy.name=pfedpg"], ["strategy.name=trimmed-mean", "head.personal=true"],
        ])
    func covered(strategy: [String]) throws {
        try withTemporaryFolder { folder in
            let run = try simulateSmallRun(folder, settings + strategy)
            var updates: [String: Int] = [:]
            let replay = try Replay(path: run.log) { step in
                if case .checked(let publication) = step { #expect(publication.isEqual) }
                guard case .event(let event, _) = step, case .received(.update(let update)) = event.kind else { return }
                updates[update.client.name, default: 0] += 1
                #expect(update.sampleCount == 1, "the number of samples is not told")
                #expect(update.metrics.map(\.name) == ["privacy.epsilon"], "nor how the training went")
                #expect(update.promptIDs.count >= 6, "nor which prompts were picked")
                for entry in update.parameters.entries {
                    let distinct = Set(entry.tensor.values).count
                    #expect(distinct > entry.tensor.values.count / 2, "\(entry.name) has noise")
                }
            }
            #expect(replay.aggregator?.counts.rejected == 0)
            let inspection = try RunInspection(log: run.log)
            for client in inspection.clients {
                let rho = Double(updates[client.client] ?? 0) * PrivacyAccountant.rho(noiseMultiplier: 2)
                #expect(client.epsilon == PrivacyAccountant.epsilon(rho: rho, delta: 1e-5))
            }
            #expect(inspection.clients.contains { ($0.epsilon ?? 0) > 0 })
        }
    }

    @Test func withoutPrivacyNoEpsilonIsTold() throws {
        try withTemporaryFolder { folder in
            let run = try simulateSmallRun(folder, ["run.updates=2"])
            #expect(try RunInspection(log: run.log).clients.allSatisfy { $0.epsilon == nil })
        }
    }

    @Test func clientsLeaveWhenTheirBudgetIsSpent() throws {
        try withTemporaryFolder { folder in
            let two = PrivacyAccountant.epsilon(rho: 2 * PrivacyAccountant.rho(noiseMultiplier: 2), delta: 1e-5)
            let run = try simulateSmallRun(
                folder, settings + ["privacy.epsilon_budget=\(two)", "run.updates=1000", "federation.buffer_size=1"])
            let inspection = try RunInspection(log: run.log)
            #expect(inspection.updatesAccepted == 8 && !inspection.finished)
            #expect(inspection.clients.map(\.updatesUsed) == [2, 2, 2, 2])
            #expect(inspection.clients.allSatisfy { $0.epsilon == two })
        }
    }

    @Test(
        "what cannot be protected is refused",
        arguments: [
            (["strategy.name=scaffold"], "control variates"), (["strategy.name=fedcof"], "class means"),
            (["strategy.name=isolated"], "send nothing"), (["worker.outbox="], "worker.outbox"),
            (["privacy.epsilon_budget=0.01"], "an update costs with privacy.noise_multiplier"),
            (["privacy.delta=0"], "privacy.delta"),
        ])
    func refused(more: [String], words: String) throws {
        let error = #expect(throws: ConfigurationError.self) {
            try RunConfiguration.load(files: [], environment: [:], assignments: settings + more)
        }
        #expect("\(try #require(error))".contains(words))
    }

    @Test func theAccountOutlivesItsClient() throws {
        try withTemporaryFolder { folder in
            let file = folder + "/privacy.txt"
            let privacy = ClientPrivacy(clipNorm: 1, noiseMultiplier: 2, delta: 1e-5, budget: 4, sampleCount: 1)
            func open() throws -> PrivacyGuard {
                let account = PrivacyGuard(privacy, file: { _ in file }, random: SystemRandomNumberGenerator())
                try account.enter(run: 1)
                return account
            }
            #expect(try open().updates == 0)
            try Data("updates 5\nrho 0.625\n".utf8).write(to: URL(fileURLWithPath: file))
            let account = try open()
            #expect(account.updates == 5 && account.epsilon == privacy.epsilon(rho: 0.625))
            #expect(try #require(account.refusal).contains("privacy.epsilon_budget 4"))
            for damaged in ["", "updates 5", "updates -1\nrho 1\n", "updates 5\nrho x\n", "rho 1\nupdates 5\n"] {
                try Data(damaged.utf8).write(to: URL(fileURLWithPath: file))
                let error = #expect(throws: PrivacyAccountError.self) { try open() }
                #expect("\(try #require(error))".contains(file))
            }
        }
    }
}
