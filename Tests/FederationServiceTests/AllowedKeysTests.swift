import Federation
import FederationService
import Foundation
import PromptAggregation
import RunSettings
import TestSupport
import Testing
import ZeroMQTransport

/// The list of who may connect is replaced while the service runs.
@Suite struct AllowedKeysTests {
    private func withKeys(_ body: (KeyFolder, AllowedKeys) throws -> Void) throws {
        try withTemporaryFolder { path in
            let folder = KeyFolder(path: path + "/keys")
            #expect(try folder.makeAggregator())
            try folder.make(name: "one", clients: ["a", "b"])
            try folder.make(name: "two", clients: ["*"])
            try body(folder, try AllowedKeys(of: folder))
        }
    }

    /// Has each line of a folder's list changed.
    private func edit(_ folder: KeyFolder, _ change: (String) -> String?) throws {
        let file = folder.path + "/allowed"
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map(String.init)
        try lines.compactMap(change).joined(separator: "\n").write(toFile: file, atomically: true, encoding: .utf8)
    }

    @Test func aKeyThatIsAddedMayConnectAndNobodyLosesAnything() throws {
        try withKeys { folder, allowed in
            try folder.make(name: "three", clients: ["c"])
            #expect(!allowed.contains("three"))
            #expect(try allowed.reload() == .init(added: ["three"], removed: [], isRevoked: false))
            #expect(allowed.permits("three", toSpeakFor: ClientID("c")))
            #expect(try allowed.reload() == .init(added: [], removed: [], isRevoked: false))
        }
    }

    @Test func aKeyThatIsRemovedMayNothing() throws {
        try withKeys { folder, allowed in
            try edit(folder) { $0.hasPrefix("two ") ? nil : $0 }
            #expect(try allowed.reload() == .init(added: [], removed: ["two"], isRevoked: true))
            #expect(!allowed.contains("two") && !allowed.permits("two", toSpeakFor: ClientID("a")))
        }
    }

    @Test(arguments: [
        ("a b", "a", true), ("*", "a b", true), ("a b", "b a", false), ("a b", "*", false), ("a b", "a b c", false),
    ]) func lessThanBeforeIsARevocation(old: String, new: String, isRevoked: Bool) throws {
        try withKeys { folder, allowed in
            try edit(folder) { $0.hasSuffix(" " + old) ? String($0.dropLast(old.count)) + new : $0 }
            #expect(try allowed.reload().isRevoked == isRevoked)
        }
    }

    @Test func anotherKeyUnderTheSameNameIsARevocation() throws {
        try withKeys { folder, allowed in
            let other = try CurveSecretKey.generate().publicKey().z85
            try edit(folder) { $0.hasPrefix("one ") ? "one \(other) a b" : $0 }
            #expect(try allowed.reload() == .init(added: [], removed: [], isRevoked: true))
        }
    }

    @Test func aListThatCannotBeReadLeavesTheEarlierOneInForce() throws {
        try withKeys { folder, allowed in
            try edit(folder) { $0.hasPrefix("one ") ? "one short a" : $0 }
            let error = #expect(throws: ConfigurationError.self) { try allowed.reload() }
            #expect("\(try #require(error))".contains("\(folder.path)/allowed:2"))
            #expect(allowed.permits("one", toSpeakFor: ClientID("a")))
        }
    }
}

/// A crowd of strangers leaves a few lines, and a newcomer is seen behind it.
@Suite struct ThinningTests {
    @Test func aFewPassInEachIntervalAndTheOthersAreCounted() {
        let start = ContinuousClock.now
        var thinning = Thinning(burst: 5, interval: .seconds(60))
        let passed = (0..<300).compactMap { thinning.take(at: start + .milliseconds($0 * 10)) }
        #expect(passed == [0, 0, 0, 0, 0])
        #expect(thinning.take(at: start + .seconds(61)) == 295)
        #expect(thinning.take(at: start + .seconds(62)) == 0)
    }
}
