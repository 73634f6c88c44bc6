import FederationService
import Foundation
import PromptTuning
import PromptWire
import RunLog
import RunSettings
import TestSupport
import Testing

/// What `impromptu check` says of a machine and a configuration.
@Suite struct CheckupTests {
    /// - Parameter settings: `section.key=value`.
    private func look(_ settings: [String], as role: Checkup.Role = .aggregator(nil)) throws -> Checkup {
        let configuration = try RunConfiguration.load(
            files: [], environment: [:],
            assignments: [
                "endpoints.updates=tcp://127.0.0.1:*", "endpoints.prompts=tcp://127.0.0.1:*", "data.clients=4",
                "evaluation.interval_seconds=0",
            ] + settings)
        return Checkup(configuration, as: role)
    }

    private func finding(_ subject: String, in checkup: Checkup) throws -> Finding {
        try #require(checkup.findings.first { $0.subject == subject }, "\(checkup.findings.map(\.subject))")
    }

    @Test func anAggregatorThatCanRunFailsInNothing() throws {
        try withTemporaryFolder { path in
            let checkup = try look(["run.updates=10"], as: .aggregator(RunFolder(path: path + "/not/yet/there")))
            try checkup.requireSuccess()
            for subject in ["encoder", "data", "endpoints.updates", "endpoints.prompts", "run", "run folder", "clock"] {
                #expect(try finding(subject, in: checkup).outcome == .ok)
            }
            #expect(checkup.findings.allSatisfy { ($0.outcome == .ok) == ($0.advice == nil) })
            #expect(try FileManager.default.contentsOfDirectory(atPath: path).isEmpty, "it leaves nothing behind")
        }
    }

    @Test(arguments: [true, false]) func weightsOfZerosAreNamed(all: Bool) throws {
        try withTemporaryFolder { path in
            let bundled = try FrozenEncoder.bundled()
            var bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: bundled.weightsPath)))
            let header = 8 + bytes[..<8].enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
            let start = all ? header : header + (bytes.count - header) / 2
            bytes.replaceSubrange(start..., with: [UInt8](repeating: 0, count: bytes.count - start))
            try Data(bytes).write(to: URL(fileURLWithPath: path + "/model.safetensors"))
            let configuration = URL(fileURLWithPath: bundled.weightsPath).deletingLastPathComponent()
                .appendingPathComponent("config.json")
            try Data(contentsOf: configuration).write(to: URL(fileURLWithPath: path + "/config.json"))
            let found = try finding("encoder: weights", in: look(["encoder.path=\(path)"]))
            #expect(found.outcome == (all ? .failed : .warning) && found.found.contains("hold nothing but zeros"))
        }
    }

    @Test func classesThatAreAlikeAreNamed() throws {
        let found = try finding("classes", in: look(["model.classes=[cat, dog, Cat]"]))
        #expect(found.outcome == .warning && found.found.hasPrefix("'cat' and 'Cat' differ"))
    }

    @Test func aTakenPortAndAMissingEncoderFailWithWhatToDo() throws {
        let taken = try TakenPort()
        let checkup = try look(["endpoints.prompts=\(taken.endpoint)", "encoder.path=/no/such/folder"])
        let port = try finding("endpoints.prompts", in: checkup)
        #expect(port.outcome == .failed && port.found.contains("in use") && port.advice?.contains("ss -ltnp") == true)
        #expect(try finding("endpoints.updates", in: checkup).outcome == .ok)
        let encoder = try finding("encoder", in: checkup)
        #expect(encoder.outcome == .failed && encoder.advice?.contains("encoder.path") == true)
        let error = #expect(throws: CheckupError.self) { try checkup.requireSuccess() }
        #expect(error?.subjects == ["encoder", "endpoints.prompts"])
    }

    @Test func aWorkerCannotReachAnyFreePort() throws {
        let checkup = try look([], as: .worker(clients: [0], key: "worker-0"))
        for subject in ["endpoints.updates", "endpoints.prompts"] {
            let found = try finding(subject, in: checkup)
            #expect(found.outcome == .failed && found.found.contains("any free port"))
            #expect(found.advice?.contains("set \(subject)") == true)
        }
    }

    @Test func keysAreMissingOpenOrDoNotCoverEveryClient() throws {
        try withTemporaryFolder { path in
            let keys = path + "/keys"
            let missing = try look(["security.keys=\(keys)"])
            #expect(try finding("security.keys", in: missing).outcome == .failed)
            let folder = KeyFolder(path: keys)
            _ = try folder.makeAggregator()
            try folder.make(name: "worker-0", clients: ["client-00", "client-02"])
            let half = try finding("security.keys", in: look(["security.keys=\(keys)"]))
            #expect(half.outcome == .warning && half.found.contains("2 clients") && half.found.contains("client-01"))
            try folder.make(name: "worker-1", clients: ["client-01", "client-03"])
            #expect(try finding("security.keys", in: look(["security.keys=\(keys)"])).outcome == .ok)
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o644], ofItemAtPath: keys + "/aggregator.secret")
            let open = try finding("security.keys", in: look(["security.keys=\(keys)"]))
            #expect(open.outcome == .failed && open.found.contains("chmod 600"))
            let stranger = try look(["security.keys=\(keys)"], as: .worker(clients: [0], key: "nobody"))
            #expect(try finding("security.keys", in: stranger).outcome == .failed)
        }
    }

    @Test func anExposedAggregatorWithoutKeysFails() throws {
        let exposed = try finding("security.keys", in: look(["endpoints.updates=tcp://0.0.0.0:*"]))
        #expect(exposed.outcome == .failed && exposed.found.contains("others can reach"))
        let incomplete = try finding("security.keys", in: look(["endpoints.updates=tcp://localhost"]))
        #expect(incomplete.outcome == .failed && incomplete.found.contains("expected tcp://address:port"))
        let open = try look(["endpoints.updates=tcp://0.0.0.0:*", "security.open_network=true"])
        #expect(try finding("security.keys", in: open).outcome == .warning)
    }

    @Test func aFolderWithARunIsTakenUpByItsOwnConfigurationAlone() throws {
        try withTemporaryFolder { path in
            let run = try simulateSmallRun(path, ["run.updates=4"])
            let before = try Data(contentsOf: URL(fileURLWithPath: run.segment(1)))
            let other = try finding("run", in: look([], as: .aggregator(run)))
            #expect(other.outcome == .failed && other.found.contains("another configuration"))
            #expect(try Data(contentsOf: URL(fileURLWithPath: run.segment(1))) == before, "a closed log stays closed")
            try Data("nonsense".utf8).write(to: URL(fileURLWithPath: run.segment(1)))
            #expect(try finding("run", in: look([], as: .aggregator(run))).outcome == .failed)
        }
    }

    @Test(arguments: [("4", Finding.Outcome.ok), ("9", .ok), ("5", .failed)])
    func aRunWhoseSettingsWereChangedIsTakenUpByThoseOfThenOrNow(updates: String, outcome: Finding.Outcome) throws {
        try withTemporaryFolder { path in
            let run = try simulateSmallRun(path, ["run.updates=4"])
            _ = try run.change([.init(key: "run.updates", value: "9")])
            let configuration = try RunConfiguration.load(
                files: [run.configuration], environment: [:], assignments: ["run.updates=\(updates)"])
            let found = try finding("run", in: Checkup(configuration, as: .aggregator(run)))
            #expect(found.outcome == outcome, "\(found.found)")
        }
    }

    @Test func aFolderThatCannotBeWrittenFails() throws {
        let checkup = try look([], as: .aggregator(RunFolder(path: "/proc/impromptu")))
        let folder = try finding("run folder", in: checkup)
        #expect(folder.outcome == .failed && folder.found.contains("/proc"), "\(folder)")
    }
}
