import FederationService
import Foundation
import PromptAggregation
import RunSettings
import TestSupport
import Testing
import ZeroMQTransport

/// A run's keys: made once, bound to clients, and named when something is wrong with them.
@Suite struct KeyFolderTests {
    @Test func theListBindsEachKeyToItsClients() throws {
        let keys = try (0..<3).map { _ in try CurveSecretKey.generate().publicKey() }
        let list = try AllowList(
            text: """
                # who may connect

                one \(keys[0]) client-00   client-01
                all \(keys[1]) *
                listener \(keys[2])
                """, file: "allowed")
        #expect(keys.map { list.name(of: $0) } == ["one", "all", "listener"])
        #expect(list.name(of: try CurveSecretKey.generate().publicKey()) == nil)
        func permits(_ name: String) -> [Bool] {
            ["client-00", "client-0", "client-2"].map { list.permits(name, toSpeakFor: ClientID($0)) }
        }
        #expect(permits("one") == [true, false, false])
        #expect(permits("all") == [true, true, true])
        #expect(permits("listener") == [false, false, false])
        #expect(permits("nobody") == [false, false, false])
    }

    /// An editor may end lines in another way and put a byte order mark before them.
    @Test(arguments: ["\n", "\r\n", "\r"])
    func linesMayEndInAnyWay(end: String) throws {
        let key = try CurveSecretKey.generate().publicKey()
        let text = "\u{feff}# Who may connect" + end + "one \(key) client-00" + end
        #expect(try AllowList(text: text, file: "keys/allowed").names == ["one"])
        try withTemporaryFolder { path in
            let folder = KeyFolder(path: path + "/keys")
            _ = try folder.makeAggregator()
            try folder.make(name: "early", clients: ["client-07"])
            let allowed = path + "/keys/allowed"
            let made = try String(contentsOfFile: allowed, encoding: .utf8)
            try ("\u{feff}" + made.replacing("\n", with: end)).write(toFile: allowed, atomically: true, encoding: .utf8)
            try folder.make(name: "late", clients: [])
            #expect(try folder.allowList().names == ["early", "late"])
        }
    }

    @Test func aKeyThatIsNoFileIsNamed() throws {
        try withTemporaryFolder { path in
            let folder = KeyFolder(path: path + "/keys")
            _ = try folder.makeAggregator()
            let pipe = path + "/keys/worker-0.secret"
            #expect(mkfifo(pipe, 0o600) == 0)
            let error = #expect(throws: ConfigurationError.self) { try folder.clientSide(name: "worker-0") }
            #expect(
                error?.description
                    == "\(pipe): cannot be read: expected a file, found a FIFO; 'impromptu keys make --keys \(path)/keys' makes"
                    + " the keys of a run")
            #expect(throws: ConfigurationError("\(pipe): cannot be read: expected a file, found a FIFO")) {
                try KeyFolder.logPublicKey(in: pipe)
            }
            #expect(throws: ConfigurationError("nothing: cannot be read: No such file or directory")) {
                try KeyFolder.logPublicKey(in: "nothing")
            }
        }
    }

    @Test func theAggregatorsNameIsTaken() throws {
        try withTemporaryFolder { path in
            let folder = KeyFolder(path: path + "/keys")
            _ = try folder.makeAggregator()
            let error = #expect(throws: ConfigurationError.self) { try folder.make(name: "aggregator", clients: []) }
            #expect(error?.description.contains("the aggregator's own key has it") == true)
        }
    }

    @Test func aWrongLineIsNamed() throws {
        let key = try CurveSecretKey.generate().publicKey()
        let other = try CurveSecretKey.generate().publicKey()
        for (line, words) in [
            ("two", "expected a name, a public key of 40 characters"),
            ("two short client-00", "expected a name, a public key of 40 characters"),
            ("one \(other)", "the name one is given twice"), ("two \(key)", "the key of two is given twice"),
        ] {
            let error = #expect(throws: ConfigurationError.self) {
                try AllowList(text: "one \(key)\n\(line)\n", file: "keys/allowed")
            }
            #expect("\(try #require(error))".hasPrefix("keys/allowed:2: \(words)"), "\(line)")
        }
    }

    @Test func whatIsThereIsNotMadeAnew() throws {
        try withTemporaryFolder { path in
            let folder = KeyFolder(path: path + "/keys")
            #expect(throws: ConfigurationError.self) { try folder.make(name: "early", clients: []) }
            #expect(try folder.makeAggregator())
            try folder.make(name: "worker-0", clients: ["client-00"])
            let secret = try String(contentsOfFile: path + "/keys/worker-0.secret", encoding: .utf8)
            #expect(try !folder.makeAggregator())
            #expect(throws: ConfigurationError.self) { try folder.make(name: "worker-0", clients: []) }
            #expect(try !folder.make(name: "worker-0", clients: ["client-00"]), "the same again is no error")
            #expect(try String(contentsOfFile: path + "/keys/worker-0.secret", encoding: .utf8) == secret)
            for name in ["", "../up", "a b", "aggregator", ".hidden"] {
                #expect(throws: ConfigurationError.self) { try folder.make(name: name, clients: []) }
            }
            #expect(throws: ConfigurationError.self) { try folder.make(name: "two", clients: ["a", "*"]) }

            let side = try folder.aggregatorSide()
            let holder = try #require(CurveSecretKey(z85: secret.trimmingCharacters(in: .newlines)))
            #expect(side.allowed.name(of: try holder.publicKey()) == "worker-0")
            #expect(side.allowed.permits("worker-0", toSpeakFor: ClientID("client-00")))
        }
    }

    @Test func aSecretThatOthersCanReadIsRefused() throws {
        try withTemporaryFolder { path in
            let folder = KeyFolder(path: path)
            _ = try folder.makeAggregator()
            let file = path + "/aggregator.secret"
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
            let error = #expect(throws: ConfigurationError.self) { try folder.aggregatorSide() }
            #expect("\(try #require(error))".contains("\(file): expected a file that its owner alone can read"))
            // As Kubernetes hands secrets out: the name is a link, which everybody may read.
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
            try FileManager.default.moveItem(atPath: file, toPath: path + "/data")
            try FileManager.default.createSymbolicLink(atPath: file, withDestinationPath: "data")
            _ = try folder.aggregatorSide()
            try FileManager.default.setAttributes([.posixPermissions: 0o604], ofItemAtPath: path + "/data")
            #expect(throws: ConfigurationError.self) { try folder.aggregatorSide() }
            let missing = #expect(throws: ConfigurationError.self) { try folder.clientSide(name: "worker-7") }
            #expect("\(try #require(missing))".contains("worker-7.secret"))
        }
    }

    @Test func keysThatDoNotBelongTogetherAreRefused() throws {
        try withTemporaryFolder { path in
            let (mine, other) = (KeyFolder(path: path + "/mine"), KeyFolder(path: path + "/other"))
            for folder in [mine, other] {
                _ = try folder.makeAggregator()
                try folder.make(name: "worker-0", clients: ["client-00"])
            }
            _ = try mine.aggregatorSide()
            for name in ["aggregator", "worker-0"] {
                let (file, own) = (
                    "\(path)/mine/\(name).public",
                    try Data(contentsOf: URL(fileURLWithPath: "\(path)/mine/\(name).public"))
                )
                try Data(contentsOf: URL(fileURLWithPath: "\(path)/other/\(name).public")).write(
                    to: URL(fileURLWithPath: file))
                let error = #expect(throws: ConfigurationError.self) {
                    if name == "aggregator" {
                        _ = try mine.aggregatorSide()
                    } else {
                        _ = try mine.clientSide(name: name)
                    }
                }
                #expect("\(try #require(error))".contains("\(file): expected the public half of"))
                try own.write(to: URL(fileURLWithPath: file))
            }
        }
    }

    @Test func aListThatAnybodyCanWriteIsRefused() throws {
        try withTemporaryFolder { path in
            let folder = KeyFolder(path: path)
            _ = try folder.makeAggregator()
            try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: path + "/allowed")
            let error = #expect(throws: ConfigurationError.self) { try folder.aggregatorSide() }
            #expect("\(try #require(error))".contains("/allowed: expected a file that others cannot write"))
        }
    }
}
