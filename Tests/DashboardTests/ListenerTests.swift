import Dashboard
import FederationRun
import Foundation
import Logging
import Testing

/// The server over real sockets of loopback.
@Suite(.timeLimit(.minutes(5)))
struct ListenerTests {
    @Test func eachPathHasItsPageAndEverythingElseIsTurnedAway() async throws {
        try await withDashboard { dashboard, watch in
            let port = dashboard.address.port
            let page = try await ask(port, "GET / HTTP/1.1")
            #expect(page.hasPrefix("HTTP/1.1 200 OK\r\n") && page.contains("text/html") && page.hasSuffix("</html>\n"))
            for name in ["page.css", "page.js"] {
                #expect(page.contains("\"\(name)\""))
                #expect(try await ask(port, "GET /\(name)?x HTTP/1.1").hasPrefix("HTTP/1.1 200 OK\r\n"))
            }
            #expect(!page.contains("http://") && !page.contains("https://"), "nothing comes from elsewhere")
            #expect(try await ask(port, "GET /healthz HTTP/1.1").hasSuffix("\r\n\r\nok\n"))
            #expect(try await ask(port, "GET /readyz HTTP/1.1").hasPrefix("HTTP/1.1 503 "))
            watch.post(WatchedRun().figures)
            #expect(try await ask(port, "GET /readyz HTTP/1.1").hasSuffix("\r\n\r\nready\n"))
            #expect(try await ask(port, "GET /page.html HTTP/1.1").hasPrefix("HTTP/1.1 404 "))
            #expect(try await ask(port, "GET /../etc/passwd HTTP/1.1").hasPrefix("HTTP/1.1 404 "))
            for method in ["POST", "PUT", "DELETE", "OPTIONS", "get", "head"] {
                let answer = try await ask(port, "\(method) / HTTP/1.1", body: "x=1")
                #expect(answer.hasPrefix("HTTP/1.1 405 ") && answer.contains("\r\nAllow: GET, HEAD\r\n"))
            }
            for path in ["/", "/metrics", "/nothing"] {
                let answer = try await ask(port, "GET \(path) HTTP/1.1", host: "evil.example")
                #expect(answer.hasPrefix("HTTP/1.1 421 "))
            }
            #expect(try await ask(port, "GET /metrics HTTP/1.1", host: "127.0.0.1:\(port)").hasPrefix("HTTP/1.1 200 "))
            #expect(try await ask(port, "GET /").hasPrefix("HTTP/1.1 400 "))
        }
    }

    @Test func headIsGetWithoutTheBody() async throws {
        try await withDashboard { dashboard, _ in
            let port = dashboard.address.port
            for path in ["/", "/page.js", "/healthz", "/readyz", "/nothing"] {
                let whole = try await ask(port, "GET \(path) HTTP/1.1")
                let head = try await ask(port, "HEAD \(path) HTTP/1.1")
                let end = try #require(whole.range(of: "\r\n\r\n"))
                #expect(head == whole[..<end.upperBound] && end.upperBound < whole.endIndex)
            }
            let events = try await ask(port, "HEAD /events HTTP/1.1")
            #expect(events.hasPrefix("HTTP/1.1 200 ") && events.contains("\r\nContent-Type: text/event-stream"))
            #expect(events.contains("\r\nX-Accel-Buffering: no\r\n") && events.hasSuffix("\r\n\r\n"))
        }
    }

    @Test func probesAreAnsweredWithoutAHostAndByAnyName() async throws {
        try await withDashboard(names: ["Watch.example"]) { dashboard, _ in
            let port = dashboard.address.port
            for head in ["GET /healthz HTTP/1.0\r\n\r\n", "HEAD /healthz HTTP/1.0\r\nUser-Agent: probe\r\n\r\n"] {
                let client = try Client(port: port)
                try client.send(head)
                #expect(try await client.read().hasPrefix("HTTP/1.1 200 OK\r\n"))
            }
            for path in ["/healthz", "/readyz"] {
                let answer = try await ask(port, "GET \(path) HTTP/1.1", host: "balancer.example")
                #expect(!answer.hasPrefix("HTTP/1.1 421 "))
            }
            #expect(try await ask(port, "GET / HTTP/1.1", host: "watch.example:443").hasPrefix("HTTP/1.1 200 "))
            #expect(try await ask(port, "GET / HTTP/1.1", host: "other.example").hasPrefix("HTTP/1.1 421 "))
        }
    }

    @Test func metricsFollowTheFigures() async throws {
        try await withDashboard { dashboard, watch in
            var run = WatchedRun()
            run.hello("a")
            run.update(from: "a", base: 0)
            watch.post(run.figures)
            var text = ""
            while !text.contains("\nimpromptu_version 1\n") {
                text = try await ask(dashboard.address.port, "GET /metrics HTTP/1.1")
            }
            #expect(text.contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"))
            #expect(text.contains("\nimpromptu_clients{presence=\"alive\"} 1\n"))
        }
    }

    @Test func aPageGetsTheWholeStateAtOnceAndThenWhatIsNew() async throws {
        try await withDashboard { dashboard, watch in
            var run = WatchedRun()
            run.hello("<script>")
            watch.post(run.figures)
            let client = try Client(port: dashboard.address.port)
            try client.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            let first = try await client.read(until: "\"version\":0")
            #expect(first.hasPrefix("HTTP/1.1 200 OK\r\n") && first.contains("\r\nContent-Type: text/event-stream"))
            #expect(
                !first.contains("Content-Length") && first.contains("data: {") && first.contains("\"id\":\"<script>\""))
            run.update(from: "<script>", base: 0)
            watch.post(run.figures)
            #expect(try await client.read(until: "\"version\":1").contains("id: 2\nretry: 2000\ndata: {"))
        }
    }

    @Test func slowAndEndlessRequestsCostAFixedTimeAndSpace() async throws {
        var limits = HTTPListener.Limits()
        limits.headTime = .milliseconds(300)
        try await withListener(limits) { port in
            let silent = try Client(port: port)
            let dripping = try Client(port: port)
            try dripping.send("GET / HTTP/1.1\r\nHost: local")
            #expect(try await silent.read().hasPrefix("HTTP/1.1 408 "))
            #expect(try await dripping.read().hasPrefix("HTTP/1.1 408 "))
            let endless = try Client(port: port)
            try endless.send("GET / HTTP/1.1\r\nX: " + String(repeating: "x", count: 9000))
            #expect(try await endless.read().hasPrefix("HTTP/1.1 431 "))
            let binary = try Client(port: port)
            try binary.send("\u{16}\u{3}\u{1}\u{0}\r\n\r\n")
            #expect(try await binary.read().hasPrefix("HTTP/1.1 400 "))
        }
    }

    @Test func oneConnectionTooManyIsToldToComeAgainAndTheOthersStay() async throws {
        var limits = HTTPListener.Limits()
        limits.connections = 3
        try await withListener(limits) { port in
            var holders: [Client] = []
            for _ in 0..<3 {
                let holder = try Client(port: port)
                try holder.send("GET /forever HTTP/1.1\r\nHost: localhost\r\n\r\n")
                _ = try await holder.read(until: "\r\n\r\n")
                holders.append(holder)
            }
            #expect(try await Client(port: port).read().hasPrefix("HTTP/1.1 503 "))
            holders.removeFirst()
            // The connection is free once the server notices.
            var answer = ""
            while !answer.hasPrefix("HTTP/1.1 200 ") { answer = try await ask(port, "GET / HTTP/1.1") }
            #expect(holders.count == 2)
        }
    }

    @Test func aClientThatDoesNotReadIsLetGo() async throws {
        var limits = HTTPListener.Limits()
        limits.writeTime = .milliseconds(300)
        limits.connections = 1
        try await withListener(limits) { port in
            let stuck = try Client(port: port)
            try stuck.send("GET /flood HTTP/1.1\r\nHost: localhost\r\n\r\n")
            var answer = ""
            while !answer.hasPrefix("HTTP/1.1 200 ") { answer = try await ask(port, "GET / HTTP/1.1") }
        }
    }

    // MARK: Servers

    private func withDashboard(
        names: [String] = [], _ body: (Dashboard, RunWatch) async throws -> Void
    ) async throws {
        let watch = RunWatch()
        let dashboard = try Dashboard(
            address: DashboardAddress("127.0.0.1:0", isOpen: false), names: names, watch: watch,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let serving = Task { await dashboard.run() }
        defer { serving.cancel() }
        try await body(dashboard, watch)
        serving.cancel()
        await serving.value
    }

    /// `/forever` is a slow stream without end, `/flood` one of large events without end; anything else is answered.
    private func withListener(_ limits: HTTPListener.Limits, _ body: (UInt16) async throws -> Void) async throws {
        let (socket, address) = try DashboardAddress("127.0.0.1:0", isOpen: false).listen()
        let listener = HTTPListener(socket: socket, limits: limits) { request in
            switch request.path {
            case "/forever":
                .stream(
                    AsyncStream {
                        try? await Task.sleep(for: .milliseconds(20))
                        return Array(":\n\n".utf8)
                    })
            case "/flood": .stream(AsyncStream { [UInt8](repeating: 10, count: 1 << 20) })
            default: .whole(Response(.ok, "here"))
            }
        }
        let serving = Task { try? await listener.run() }
        defer { serving.cancel() }
        try await body(address.port)
        serving.cancel()
        await serving.value
    }

    private func ask(
        _ port: UInt16, _ line: String, host: String = "localhost", body: String = ""
    ) async throws -> String {
        let client = try Client(port: port)
        try client.send("\(line)\r\nHost: \(host)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        return try await client.read()
    }
}

/// A TCP client that sends exactly what a test says.
private final class Client {
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
        try #require(fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0)
    }

    deinit { close(descriptor) }

    func send(_ text: String) throws {
        let bytes = Array(text.utf8)
        try #require(Foundation.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count)
    }

    /// What comes up to and with that text, or up to the end of the connection.
    func read(until text: String? = nil) async throws -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count > 0 {
                bytes += buffer[..<count]
                let sofar = String(decoding: bytes, as: UTF8.self)
                if let text, sofar.contains(text) { return sofar }
            } else if count == 0 || errno == ECONNRESET {
                try #require(text == nil, "the connection ended after \(String(decoding: bytes, as: UTF8.self))")
                return String(decoding: bytes, as: UTF8.self)
            } else {
                try await Task.sleep(for: .milliseconds(5))
            }
        }
    }
}
