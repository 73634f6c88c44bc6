import Foundation
import Lab
import RunLog
import TestSupport
import Testing

/// The dashboard of the built program, over loopback.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct LiveDashboardTests {
    /// The page in a browser, Prometheus' own checker on the metrics, and a replay: whoever looks on changes nothing.
    @Test(
        .enabled(if: python != nil, "IMPROMPTU_PYTHON names no Python with pyzmq, protobuf and numpy"),
        .enabled(if: installed("chromium") != nil, "there is no chromium"))
    func aBrowserSeesTheRunAWorkersDeathAndTheAggregatorsReturn() async throws {
        try await withLiveFederation { federation in
            let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .appending(path: "Interop/watch_page.py").path
            let pictures = ProcessInfo.processInfo.environment["IMPROMPTU_PICTURES"].map { [$0] } ?? []
            let watching = try LiveProcess(
                try #require(python), [script, LiveFederation.program, federation.path] + pictures,
                log: federation.path + "/watching.log")
            #expect(try await watching.exitCode(within: 240) == 0, "\(watching.output)")
            let replay = try await federation.replay()
            #expect(replay.exitCode == 0 && replay.output.contains("every digest equal"), "\(replay.output)")

            let promtool = try #require(
                installed("promtool", beside: python!), "Deploy/setup --test puts promtool beside Python")
            let check = try LiveProcess(
                "/bin/sh", ["-c", "\"$0\" check metrics <\"$1\"", promtool, federation.path + "/metrics.txt"],
                log: federation.path + "/promtool.log")
            #expect(try await check.exitCode() == 0, "\(check.output)")
            #expect(check.output.isEmpty, "\(check.output)")
        }
    }

    @Test func aDashboardThatCannotBeIsOneClearLineAndLeavesNothingBehind() async throws {
        try await withLiveFederation { federation in
            for (address, words) in [
                ("0.0.0.0:0", "--open-dashboard"), ("nonsense", "expected ADDRESS:PORT"),
                ("192.0.2.1:80", "--open-dashboard"),
            ] {
                let refused = try federation.startAggregator(["--dashboard", address])
                #expect(try await refused.exitCode() == 2)
                let line = try #require(refused.output.split(separator: "\n").last)
                #expect(line.hasPrefix("impromptu: --dashboard \(address): ") && line.contains(words), "\(line)")
            }
            #expect(!FileManager.default.fileExists(atPath: federation.run.path))
        }
    }

    /// The same run with and without onlookers, some of them stuck, leaves the same kinds of records behind.
    @Test func onlookersThatAreStuckChangeNothing() async throws {
        var headers: [String] = []
        for arguments in [[], ["--dashboard", "127.0.0.1:0"]] {
            try await withLiveFederation(["run.updates=40"]) { federation in
                let aggregator = try federation.startAggregator(arguments)
                try await federation.bound(aggregator)
                let workers = try (0..<2).map { try federation.startWorker($0) }
                var onlookers: [StuckOnlooker] = []
                if !arguments.isEmpty {
                    try await eventually("a dashboard: \(aggregator.output)") { aggregator.output.contains("http://") }
                    let port = try #require(
                        aggregator.output.split(separator: "http://127.0.0.1:").last.flatMap {
                            UInt16($0.prefix { $0.isNumber })
                        })
                    for _ in 0..<80 { onlookers.append(try StuckOnlooker(port: port)) }
                }
                for process in [aggregator] + workers {
                    #expect(try await process.exitCode() == 0, "\(process.output)")
                }
                #expect(onlookers.count == (arguments.isEmpty ? 0 : 80))
                #expect(try await federation.replay().exitCode == 0)
                let inspection = try RunInspection(log: federation.run.log)
                #expect(inspection.finished && inspection.updatesAccepted >= 40)
                headers.append(try String(contentsOfFile: federation.run.configuration, encoding: .utf8))
            }
        }
        #expect(headers[0] == headers[1], "the run does not know that it is watched")
    }
}

/// Where a program lies: in a folder of its own wish, or in one of PATH; nil for nowhere.
private func installed(_ name: String, beside other: String? = nil) -> String? {
    let folders = ProcessInfo.processInfo.environment["PATH", default: ""].split(separator: ":").map(String.init)
    let beside = other.map { URL(fileURLWithPath: $0).deletingLastPathComponent().path }
    return ([beside].compactMap { $0 } + folders).map { $0 + "/" + name }.first {
        FileManager.default.isExecutableFile(atPath: $0)
    }
}

/// Asks for the stream of events and never reads it.
private final class StuckOnlooker {
    private let descriptor: Int32

    init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        address.sin_port = port.bigEndian
        let descriptor = descriptor
        let failure = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(failure == 0)
        let request = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"
        _ = send(descriptor, request, request.utf8.count, Int32(MSG_NOSIGNAL))
    }

    deinit { close(descriptor) }
}
