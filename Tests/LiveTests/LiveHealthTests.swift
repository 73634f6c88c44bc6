import FederationService
import Foundation
import Logging
import RunLog
import TestSupport
import Testing

/// What systemd hears of a service, and what others hear of a federation.
@Suite struct LiveHealthTests {
    @Test func systemdHearsThatAServiceIsReadyAliveAndStopping() throws {
        try withTemporaryFolder { path in
            let manager = try Manager(path: path + "/notify")
            let reporter = ServiceReporter(
                environment: ["NOTIFY_SOCKET": path + "/notify", "WATCHDOG_USEC": "600000", "WATCHDOG_PID": "7"],
                process: 7)
            #expect(reporter.interval == .milliseconds(200))
            reporter.ready("two\nlines")
            reporter.alive("version 3")
            reporter.stopping()
            #expect(manager.received() == ["READY=1\nSTATUS=two lines", "WATCHDOG=1\nSTATUS=version 3", "STOPPING=1"])
        }
    }

    @Test func aWatchdogForAnotherProcessAndNonsenseAreLeftAlone() {
        for environment in [
            ["WATCHDOG_USEC": "600000", "WATCHDOG_PID": "8"], ["WATCHDOG_USEC": "-1"], ["WATCHDOG_USEC": "soon"], [:],
            ["NOTIFY_SOCKET": "relative"], ["NOTIFY_SOCKET": "/" + String(repeating: "a", count: 200)],
            ["NOTIFY_SOCKET": "/no/such/socket"], ["NOTIFY_SOCKET": "@impromptu-nobody-listens"],
        ] {
            let reporter = ServiceReporter(environment: environment, process: 7)
            #expect(reporter.interval == .seconds(5))
            reporter.ready("nobody hears")
        }
    }

    @Test func aLineOfTheJournalHasItsPriorityInFront() {
        func line(_ level: Logger.Level, _ message: String, _ fields: Logger.Metadata) -> LogLine {
            LogLine(
                level: level, label: "work", message: message, fields: fields, time: Date(timeIntervalSince1970: 0))
        }
        #expect(line(.info, "client", ["b": "2", "a": "1"]).formatted(as: .journal) == "<6>client a=1 b=2\n")
        #expect(
            line(.info, "m", ["a": "", "b": "x y", "c": "\"\\ =", "d": "\\"]).formatted(as: .journal)
                == #"<6>m a="" b="x y" c="\"\\ =" d=\"# + "\n")
        #expect(
            line(.info, "m", ["a": "\u{1b}[2J", "b": "\u{202e}x"]).formatted(as: .journal)
                == #"<6>m a=\u{1b}[2J b=\u{202e}x"# + "\n")
        #expect(line(.warning, "two\nlines", [:]).formatted(as: .journal) == "<4>two lines\n")
        let text = line(.info, "client", ["b": "2", "a": "1"]).formatted(as: .text)
        #expect(text == "1970-01-01T00:00:00Z info work: client a=1 b=2\n")
    }

    @Test func aSecretMayBeLentByRootToAGroupButIsOtherwiseItsOwners() {
        func isPrivate(_ mode: Int, _ owner: Int, _ user: Int) -> Bool {
            KeyFolder.isPrivate(mode: mode, owner: owner, user: user)
        }
        #expect(isPrivate(0o600, 1000, 1000) && isPrivate(0o440, 0, 1000) && isPrivate(0o400, 0, 0))
        #expect(!isPrivate(0o640, 1000, 1000) && !isPrivate(0o440, 0, 0))
        #expect(!isPrivate(0o444, 0, 1000) && !isPrivate(0o460, 0, 1000))
    }

    @Test func aLiveAggregatorIsReadyAliveAndTellsItsStatusToWhoeverHasAKey() async throws {
        try await withLiveFederation(["run.updates=1000", "evaluation.interval_seconds=0"], keys: true) { federation in
            let keys = try federation.start(
                ["keys", "make", "--keys", federation.path + "/keys", "--name", "observer"], as: "keys")
            #expect(try await keys.exitCode() == 0, "\(keys.output)")
            let manager = try Manager(path: federation.path + "/n")
            let aggregator = try LiveProcess(
                LiveFederation.program, federation.aggregatorArguments, log: federation.path + "/aggregator.log",
                environment: ["NOTIFY_SOCKET": federation.path + "/n", "WATCHDOG_USEC": "900000"])
            var heard: [String] = []
            try await eventually("a ready and living aggregator: \(aggregator.output) \(heard)") {
                heard += manager.received()
                return heard.contains { $0.hasPrefix("WATCHDOG=1\nSTATUS=version 0") }
            }
            #expect(heard.first?.hasPrefix("READY=1\nSTATUS=version 0, 0 updates, 0 clients alive") == true, "\(heard)")

            let observer = try federation.start(
                [
                    "status", federation.run.path, "--keys", federation.path + "/keys", "--output", "json", "--timeout",
                    "60s",
                ],
                as: "status")
            #expect(try await observer.exitCode() == 0, "\(observer.output)")
            #expect(observer.output.contains("\"clientsAlive\" : 0"), "\(observer.output)")
            let stranger = try federation.start(["status", federation.run.path, "--timeout", "1s"], as: "stranger")
            #expect(try await stranger.exitCode() == 1)
            #expect(stranger.output.contains("heard no aggregator within 1.0 s"), "\(stranger.output)")

            // Unlike systemd nobody has read on meanwhile, and a full queue takes nothing more.
            _ = manager.received()
            aggregator.signal(SIGTERM)
            #expect(try await aggregator.exitCode() == 0, "\(aggregator.output)")
            #expect(manager.received().last == "STOPPING=1")
        }
    }
}

/// A datagram socket in the place of systemd's.
private final class Manager {
    private let descriptor: Int32

    init(path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        try #require(path.utf8.count < MemoryLayout.size(ofValue: address.sun_path))
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let descriptor = descriptor
        let failure = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(failure == 0)
    }

    deinit { close(descriptor) }

    /// All that has come since the last call.
    func received() -> [String] {
        var messages: [String] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return messages }
            messages.append(String(decoding: buffer.prefix(count), as: UTF8.self))
        }
    }
}
