import FederationService
import Foundation
import RunLog
import RunSettings
import TestSupport
import Testing

/// What `impromptu check` says of a worker beside its aggregator.
@Suite struct LiveCheckupTests {
    private func finding(_ subject: String, in checkup: Checkup) throws -> Finding {
        try #require(checkup.findings.first { $0.subject == subject }, "\(checkup.findings.map(\.subject))")
    }

    @Test func aWorkerSeesItsImagesAndWhetherTheAggregatorAnswers() async throws {
        try await withLiveFederation(["run.updates=1000"], keys: true) { federation in
            let keys = KeyFolder(path: federation.path + "/keys")
            _ = try keys.makeAggregator()
            try keys.make(name: "worker-0", clients: ["client-00", "client-02"])
            let stranger = KeyFolder(path: federation.path + "/strangers")
            _ = try stranger.makeAggregator()
            try stranger.make(name: "worker-0", clients: ["*"])
            try FileManager.default.removeItem(atPath: stranger.path + "/aggregator.public")
            try FileManager.default.copyItem(
                atPath: keys.path + "/aggregator.public", toPath: stranger.path + "/aggregator.public")
            let aggregator = try await federation.startBoundAggregator()
            func look(_ keys: KeyFolder, _ more: [String] = []) throws -> Checkup {
                let configuration = try RunConfiguration.load(
                    files: [federation.path + "/run.yaml", federation.run.endpoints], environment: [:],
                    assignments: ["security.keys=\(keys.path)", "worker.outbox=\(federation.path)/outbox"] + more)
                return Checkup(configuration, as: .worker(clients: [0, 2], key: "worker-0"))
            }
            let known = try look(keys)
            try known.requireSuccess()
            #expect(try finding("endpoints.prompts", in: known).found.hasSuffix("answers"), "\(known.findings)")
            #expect(try finding("data", in: known).found.contains("client-00 "), "\(known.findings)")
            let told = KeyFolder(path: federation.path + "/told")
            try FileManager.default.createDirectory(atPath: told.path, withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                atPath: keys.path + "/worker-0.secret", toPath: told.path + "/worker-0.secret")
            try look(told).requireSuccess()
            let unknown = try finding("endpoints.updates", in: look(stranger))
            #expect(unknown.outcome == .failed && unknown.found.contains("does not know this worker's key"))
            #expect(aggregator.isRunning)
        }
    }
}
