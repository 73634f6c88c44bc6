import Federation
import FederationService
import Foundation
import PromptAggregation
import RunLog
import RunSettings
import TestSupport
import Testing
import ZeroMQTransport

/// Keys are made, replaced and revoked by steps; wherever a crash cuts them off, the same command finishes them.
@Suite struct KeyChangeTests {
    private static let clients = ["client-00", "client-01"]

    private func withKeys(_ body: (KeyFolder) throws -> Void) throws {
        try withTemporaryFolder { path in
            let folder = KeyFolder(path: path + "/keys")
            #expect(try folder.makeAggregator())
            try folder.make(name: "one", clients: Self.clients)
            try folder.make(name: "two", clients: ["*"])
            try body(folder)
        }
    }

    private func key(of name: String, in folder: KeyFolder) throws -> CurvePublicKey {
        let text = try String(contentsOfFile: "\(folder.path)/\(name).secret", encoding: .utf8)
        return try #require(CurveSecretKey(z85: text.trimmingCharacters(in: .newlines))).publicKey()
    }

    private func files(of folder: KeyFolder) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    }

    /// Whether list, secret and public file agree on a name's key.
    private func expectWhole(_ name: String, _ clients: [String], in folder: KeyFolder) throws {
        let key = try key(of: name, in: folder)
        #expect(try folder.allowList().name(of: key) == name)
        #expect(try clients.allSatisfy { try folder.allowList().permits(name, toSpeakFor: ClientID($0)) })
        #expect(try String(contentsOfFile: "\(folder.path)/\(name).public", encoding: .utf8) == key.z85 + "\n")
        let mode = try FileManager.default.attributesOfItem(atPath: "\(folder.path)/\(name).secret")[.posixPermissions]
        #expect(mode as? Int == 0o600)
    }

    /// Takes the first `count` steps and leaves what a crash within the next one leaves.
    private func crash(behind count: Int, of steps: [KeyFolder.Step], in folder: KeyFolder) throws {
        for step in steps[..<count] { try KeyFolder.carryOut(step) }
        try "half".write(toFile: folder.path + "/allowed.1-2.partial", atomically: false, encoding: .utf8)
    }

    @Test(arguments: 0...4) func aRotationIsFinishedFromWhereverItStopped(taken: Int) throws {
        try withKeys { folder in
            let (old, names) = (try key(of: "one", in: folder), try files(of: folder))
            let steps = try folder.stepsToRotate("one")
            #expect(steps.count == 4)
            try crash(behind: taken, of: steps, in: folder)
            #expect(try folder.allowList().names == ["one", "two"], "the list can be read at any moment")
            let begun = try String(contentsOfFile: folder.path + "/allowed", encoding: .utf8)
            if taken < 4 { try folder.rotate("one") }
            try expectWhole("one", Self.clients, in: folder)
            let new = try key(of: "one", in: folder)
            #expect(new != old)
            #expect(try folder.allowList().name(of: old) == nil)
            if taken >= 2 { #expect(begun.contains(new.z85), "what was begun is finished, not begun again") }
            try folder.rotate("two")
            try expectWhole("two", ["anybody"], in: folder)
            #expect(try files(of: folder) == names)
        }
    }

    @Test(arguments: 0...2) func theKeyOfTheLogIsMadeFromWhereverItStopped(taken: Int) throws {
        try withKeys { folder in
            let steps = folder.stepsToMakeLogKey()
            #expect(steps.count == 2)
            try crash(behind: taken, of: steps, in: folder)
            #expect(try folder.makeLogKey() == (taken < 2))
            #expect(try !folder.makeLogKey(), "done before")
            let key = try #require(try folder.logKey())
            #expect(try KeyFolder.logPublicKey(in: folder.path + "/log.public") == key.publicKey)
            #expect(try files(of: folder).allSatisfy { !$0.hasSuffix(".partial") })
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: folder.path + "/log.secret")
            #expect(throws: ConfigurationError.self) { try folder.logKey() }
        }
    }

    @Test(arguments: 0...3) func aRevocationIsFinishedFromWhereverItStopped(taken: Int) throws {
        try withKeys { folder in
            let old = try key(of: "one", in: folder)
            let steps = try folder.stepsToRevoke("one")
            #expect(steps.count == 3)
            try crash(behind: taken, of: steps, in: folder)
            if taken > 0 { #expect(try folder.allowList().name(of: old) == nil, "the list comes first") }
            #expect(try folder.revoke("one") == (taken < 3))
            #expect(try !folder.revoke("one"), "done before")
            #expect(try folder.allowList().names == ["two"])
            #expect(try files(of: folder).allSatisfy { !$0.hasPrefix("one.") && !$0.hasSuffix(".partial") })
            try folder.make(name: "one", clients: ["client-07"])
            try expectWhole("one", ["client-07"], in: folder)
        }
    }

    @Test(arguments: 0...3) func aKeyIsMadeFromWhereverItsMakingStopped(taken: Int) throws {
        try withKeys { folder in
            let steps = try folder.stepsToMake(name: "three", clients: ["c"])
            #expect(steps.count == 3)
            try crash(behind: taken, of: steps, in: folder)
            #expect(try folder.make(name: "three", clients: ["c"]) == (taken < 3))
            try expectWhole("three", ["c"], in: folder)
        }
    }

    @Test(arguments: 0...3) func theAggregatorsKeysAreMadeFromWhereverTheirMakingStopped(taken: Int) throws {
        try withTemporaryFolder { path in
            let folder = KeyFolder(path: path)
            let steps = try folder.stepsToMakeAggregator()
            #expect(steps.count == 3)
            try crash(behind: taken, of: steps, in: folder)
            #expect(try folder.makeAggregator() == (taken < 3))
            let key = try folder.aggregatorSide().key.publicKey()
            #expect(try String(contentsOfFile: path + "/aggregator.public", encoding: .utf8) == key.z85 + "\n")
        }
    }

    @Test func aRevokedKeyIsNotListedAgain() throws {
        try withKeys { folder in
            let secret = try String(contentsOfFile: folder.path + "/one.secret", encoding: .utf8)
            #expect(try folder.revoke("one"))
            // As a backup brings it back, or a revocation that stopped behind its first step.
            try KeyFolder.carryOut(.write(folder.path + "/one.secret", secret, isSecret: true))
            let error = #expect(throws: ConfigurationError.self) { try folder.make(name: "one", clients: ["a"]) }
            #expect("\(try #require(error))".contains("one.secret: expected a key that is not revoked"))
        }
    }

    @Test func aNameThatCannotBeChangedIsReported() throws {
        try withKeys { folder in
            #expect(try folder.revoke("two"))
            for (name, words) in [
                ("tow", "keys rotate: expected a name of \(folder.path)/allowed (one), found 'tow'"),
                ("two", "keys rotate: expected a key, found that two's is revoked"),
                ("aggregator", "found the aggregator's own"),
            ] {
                let error = #expect(throws: ConfigurationError.self) { try folder.rotate(name) }
                #expect("\(try #require(error))".contains(words))
            }
            for name in ["tow", "aggregator", "../one"] {
                #expect(throws: ConfigurationError.self) { try folder.revoke(name) }
            }
            let worker = KeyFolder(path: folder.path + "/worker")
            try FileManager.default.createDirectory(atPath: worker.path, withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                atPath: folder.path + "/aggregator.public", toPath: worker.path + "/aggregator.public")
            #expect(throws: ConfigurationError.self) { try worker.makeAggregator() }
            #expect(try files(of: worker) == ["aggregator.public"])
        }
    }

    /// A key that its holder made: the list has its line, the folder no file of it.
    @Test func aKeyWithoutFilesIsRevokedAndReplacedToo() throws {
        try withKeys { folder in
            for file in ["one.secret", "one.public"] { try KeyFolder.carryOut(.remove("\(folder.path)/\(file)")) }
            try folder.rotate("one")
            try expectWhole("one", Self.clients, in: folder)
            #expect(try folder.revoke("one"))
        }
    }
}
