import ClientCheck
import FederationService
import Foundation
import RunSettings
import TestSupport
import Testing

/// Clients that keep to the rules pass.
@Suite struct FaithfulClientTests {
    private static let needsPython = "IMPROMPTU_PYTHON names no Python with pyzmq, protobuf, numpy and safetensors"

    @Test(.enabled(if: python != nil, "\(needsPython)"), arguments: [false, true])
    func aSmallClientPasses(withKeys: Bool) async throws {
        try await inTemporaryFolder { folder in
            var command =
                "\(try #require(python)) \(script("client_on_trial.py")) {updates} {prompts} \(folder)/outbox"
                + " --training 2 --held-out 5"
            if withKeys {
                try makeKeys(in: folder, for: "on-trial")
                command += " --secret \(folder)/keys/on-trial.secret --server \(folder)/keys/aggregator.public"
            }
            let findings = try await check(command, in: folder, keys: withKeys ? "\(folder)/keys" : nil)
            #expect(findings.broken.isEmpty && findings.untried.isEmpty, "\(findings.words)")
            #expect(findings.count == ClientRule.allCases.count)
        }
    }

    @Test(.enabled(if: python != nil, "\(needsPython)"))
    func aKeyThatSpeaksForOthersIsNoticed() async throws {
        try await inTemporaryFolder { folder in
            try makeKeys(in: folder, for: "somebody-else")
            let command =
                "\(try #require(python)) \(script("client_on_trial.py")) {updates} {prompts} \(folder)/outbox"
                + " --secret \(folder)/keys/somebody-else.secret --server \(folder)/keys/aggregator.public"
            let error = await #expect(throws: ClientCheckError.self) {
                try await check(command, in: folder, scenes: [.greeting], keys: "\(folder)/keys", patience: 20)
            }
            #expect(error?.description.contains("the key somebody-else may not speak for on-trial") ?? false)
        }
    }

    @Test(.enabled(if: python != nil, "\(needsPython)"))
    func thePythonPackagePasses() async throws {
        try await inTemporaryFolder { folder in
            let findings = try await check(
                "\(try #require(python)) \(script("package_on_trial.py")) {run} \(folder)/outbox", in: folder,
                patience: 30)
            #expect(findings.broken.isEmpty, "\(findings.words)")
            #expect(findings.untried == [.model], "\(findings.words)")
        }
    }

    @Test(.enabled(if: python != nil, "\(needsPython)"))
    func theClientOfTheDocumentationPassesAsFarAsItSays() async throws {
        try await inTemporaryFolder { folder in
            let findings = try await check(
                "\(try #require(python)) \(script("join_run.py")) \(folder) {updates} {prompts} stranger 300",
                in: folder, patience: 30)
            #expect(Set(findings.broken).isSubset(of: [.restarted, .goodbye]), "\(findings.words)")
            #expect(findings.broken.contains(.restarted))
        }
    }

    @Test func aWorkerPasses() async throws {
        try await inTemporaryFolder { folder in
            let assignments = [
                "data.clients=1", "data.training_samples=60", "data.validation_samples=20", "data.minimum_samples=8",
                "prompts.pool=6", "training.prompts_per_batch=3", "training.maximum_steps=1", "training.batch_size=8",
                "worker.delay=constant", "worker.delay_seconds=2", "worker.outbox=\(folder)/outbox",
            ]
            let file = "\(folder)/run.yaml"
            let configuration = try RunConfiguration.load(
                base: RunConfiguration.demo, files: [], environment: [:], assignments: assignments)
            try configuration.yaml.write(toFile: file, atomically: true, encoding: .utf8)
            let findings = try await check(
                "\(LiveProcess.program) work {run} --config \(file)", in: folder, patience: 60,
                model: try ModelOnTrial(configuration))
            #expect(findings.broken.isEmpty && findings.untried.isEmpty, "\(findings.words)")
        }
    }

    private func makeKeys(in folder: String, for name: String) throws {
        let keys = KeyFolder(path: "\(folder)/keys")
        _ = try keys.makeAggregator()
        try keys.make(name: name, clients: [name])
    }
}

/// The document's table is the list of rules.
@Suite struct RuleTests {
    @Test func theDocumentHasTheSameRules() throws {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "docs/wire-and-log.md")
        let rows = try String(contentsOf: page, encoding: .utf8).split(separator: "\n").filter { $0.hasPrefix("| R") }
        #expect(
            rows.map { $0.replacing("`", with: "") }
                == ClientRule.allCases.map { "| \($0.number) | \($0.title) |" })
        #expect(Set(Scene.allCases.flatMap(\.rules)).union([.form, .ownName]) == Set(ClientRule.allCases))
    }
}
