import Dashboard
import Testing

/// What is read of a request, and who may ask.
@Suite struct RequestTests {
    @Test func aRequestIsItsMethodPathAndHost() throws {
        let head = try RequestHead("GET /events?since=3 HTTP/1.1\r\nAccept: */*\r\nhOsT:  LocalHost:5603 \r\nX-Empty:")
        #expect(head.method == "GET" && head.path == "/events" && head.host == "localhost:5603")
    }

    @Test(arguments: [
        "", "GET", "GET /", "GET  / HTTP/1.1", " GET / HTTP/1.1", "GET / HTTP/1.1 more",
        "GET http:///path HTTP/1.1\r\nHost: a", "GET http://user@localhost/ HTTP/1.1\r\nHost: a",
        "GET ftp://localhost/ HTTP/1.1\r\nHost: a", "GET http://localhost/ HTTP/1.1", "GET * HTTP/1.1\r\nHost: a",
        "GET / HTTP/1.1",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b", "GET / HTTP/1.1\r\nHost: a\r\nhost: a", "GET / HTTP/1.1\r\nHost : a",
        "GET / HTTP/1.1\r\nHost: a\r\n folded", "GET / HTTP/1.1\r\nHost: a\r\n: nameless",
        "GET / HTTP/1.1\r\nHost: a\nX: b", "GET / HTTP/1.1\r\nHost: a\rX: b", "GET / HTTP/1.1\r\nHost: a\0",
        "GET / HTTP/1.1\r\nHost: a\r\nnothing",
    ])
    func whatCouldBeUnderstoodInTwoWaysIsRefused(text: String) {
        #expect { try RequestHead(text) } throws: { ($0 as? Refusal)?.status == .badRequest }
    }

    /// RFC 9112, section 3.2.2.
    @Test func anAbsoluteTargetNamesTheHostInPlaceOfTheField() throws {
        for (target, host, path) in [
            ("http://LocalHost:5603/events?since=3", "localhost:5603", "/events"),
            ("HTTP://127.0.0.1", "127.0.0.1", "/"), ("http://[::1]:80?query", "[::1]:80", "/"),
        ] {
            let head = try RequestHead("GET \(target) HTTP/1.1\r\nHost: another")
            #expect(head.host == host && head.path == path)
        }
        #expect(try RequestHead("GET http://evil.example/ HTTP/1.1\r\nHost: localhost").host == "evil.example")
        #expect(try RequestHead("GET http://localhost/healthz HTTP/1.0\r\nUser-Agent: probe").host == "localhost")
    }

    @Test func onlyTheOldVersionMayNameNoHost() throws {
        #expect(try RequestHead("GET /healthz HTTP/1.0\r\nUser-Agent: probe").host == nil)
        #expect(try RequestHead("GET /healthz HTTP/1.0\r\nHost: a").host == "a")
        #expect { try RequestHead("GET / HTTP/1.0\r\nHost: a\r\nHost: b") } throws: {
            ($0 as? Refusal)?.status == .badRequest
        }
    }

    @Test func anotherVersionIsRefused() {
        for version in ["HTTP/2", "HTTP/0.9", "http/1.1", "ICY"] {
            #expect { try RequestHead("GET / \(version)\r\nHost: a") } throws: {
                ($0 as? Refusal)?.status == .versionNotSupported
            }
        }
    }

    @Test func onlyNamesThatNoStrangerCanHoldAreAnswered() {
        let check = HostCheck(machine: "Node-7.Cluster.example")
        for host in [
            "localhost", "localhost:5603", "127.0.0.1", "127.0.0.1:1", "10.0.0.5:5603", "[::1]", "[::1]:5603",
            "node-7.cluster.example", "node-7.cluster.example.:5603", "node-7:5603", "localhost.",
        ] { #expect(check.admits(host), "\(host)") }
        for host in [
            "", ":5603", "evil.example", "evil.example:5603", "localhost.evil.example", "127.0.0.1.evil.example",
            "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:5603:5603", "127.1", "1.2.3", "[::1", "[::1]5603",
            "[localhost]",
            "::1", "cluster.example", "localhost@evil.example", "127.0.0.1 evil",
        ] { #expect(!check.admits(host), "\(host)") }
        #expect(!HostCheck(machine: "").admits("") && !HostCheck(machine: "").admits("."))
        let proxied = HostCheck(machine: "node", names: ["Watch.example"])
        #expect(proxied.admits("watch.example") && proxied.admits("watch.example:443") && !proxied.admits("example"))
    }

    @Test func aDashboardThatOthersCanReachIsWantedInPlainWords() throws {
        for text in ["127.0.0.1:5603", "127.8.9.1:0", "[::1]:5603", "localhost:5603"] {
            _ = try DashboardAddress(text, isOpen: false)
        }
        #expect(try DashboardAddress("localhost:80", isOpen: false).description == "127.0.0.1:80")
        #expect(try DashboardAddress("[::]:80", isOpen: true).description == "[::]:80")
        for text in ["0.0.0.0:5603", "10.0.0.5:5603", "[::]:5603", "[fe80::1]:5603"] {
            _ = try DashboardAddress(text, isOpen: true)
            #expect { try DashboardAddress(text, isOpen: false) } throws: {
                "\($0)".contains("--open-dashboard") && "\($0)".contains(text)
            }
        }
        for text in [
            "", "5603", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", "::1:5603", "[]:1", "[127.0.0.1]:1", "a:1",
        ] {
            #expect { try DashboardAddress(text, isOpen: true) } throws: { "\($0)".contains("expected ADDRESS:PORT") }
        }
    }

    @Test func everyResponseForbidsWhatThePageDoesNotNeed() {
        let bytes = Response(.notFound, "no such page").bytes
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.hasPrefix("HTTP/1.1 404 Not Found\r\n") && text.hasSuffix("\r\n\r\nno such page\n"))
        #expect(text.contains("\r\nContent-Length: 13\r\n"))
        #expect(text.contains("\r\nContent-Security-Policy: default-src 'none'; script-src 'self';"))
        #expect(text.contains("frame-ancestors 'none'") && text.contains("nosniff") && text.contains("no-store"))
        #expect(!text.contains("unsafe-") && !text.contains("Access-Control"))
    }
}
