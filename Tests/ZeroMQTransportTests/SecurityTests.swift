import Testing
import ZeroMQTransport

@Suite struct SecurityTests {
    private let server: CurveSecretKey
    private let known: CurveSecretKey
    private let unknown: CurveSecretKey
    private let loop: PollLoop

    init() throws {
        server = try .generate()
        known = try .generate()
        unknown = try .generate()
        loop = try PollLoop(name: "authenticator")
    }

    private func serverOptions(domain: String = "test") -> SocketOptions {
        var options = quick
        options.security = .curveServer(key: server, domain: domain)
        return options
    }

    private func clientOptions(_ key: CurveSecretKey, server: CurveSecretKey? = nil) throws -> SocketOptions {
        var options = quick
        options.security = .curveClient(key: key, server: try (server ?? self.server).publicKey())
        return options
    }

    private func nextEvent(
        _ monitor: borrowing Socket<Monitor>, _ wanted: ConnectionEvent.Kind
    ) throws -> ConnectionEvent? {
        while let message = try monitor.receive(within: .seconds(10)) {
            if let event = ConnectionEvent(message), event.kind == wanted { return event }
        }
        return nil
    }

    @Test func keysComeBackFromText() throws {
        let again = try #require(CurveSecretKey(z85: server.z85))
        #expect(try again.publicKey() == server.publicKey())
        let publicKey = try server.publicKey()
        #expect(publicKey.z85.utf8.count == 40)
        #expect(CurvePublicKey(z85: publicKey.z85) == publicKey)
        #expect(try known.publicKey() != publicKey)
        for text in ["", "short", String(repeating: "\"", count: 40), String(repeating: "é", count: 20)] {
            #expect(CurvePublicKey(z85: text) == nil)
            #expect(CurveSecretKey(z85: text) == nil)
        }
        var dumped = ""
        dump(server, to: &dumped)
        #expect(!dumped.contains(server.z85) && dumped.count < 60, "a secret does not print itself")
        #expect("\(server)" == "a secret key")
    }

    @Test func aKnownKeyIsLetInUnderItsName() async throws {
        let context = try Context()
        let authenticator = try Authenticator(context, on: loop, users: [known.publicKey(): "client-7"])
        let pull = try Socket<Pull>(context, options: serverOptions())
        let push = try Socket<Push>(context, options: clientOptions(known))
        let monitor = try pull.monitor()
        let endpoint = try pull.bind("tcp://127.0.0.1:*")
        #expect(try nextEvent(monitor, .listening)?.endpoint == endpoint)
        try push.connect(endpoint)
        #expect(try push.send([1, 2]))
        let message = try #require(try pull.receive(within: .seconds(10)))
        #expect(message.payload.bytes == [1, 2])
        #expect(message.userID == "client-7")
        #expect(try nextEvent(monitor, .handshakeSucceeded) != nil)
        authenticator.close()
        await loop.stop()
    }

    @Test func subscriptionsCarryTheName() async throws {
        let context = try Context()
        let authenticator = try Authenticator(context, on: loop, users: [known.publicKey(): "client-7"])
        let publisher = try Socket<XPub>(context, options: serverOptions())
        let subscriber = try Socket<Sub>(context, options: clientOptions(known))
        try subscriber.subscribe([7])
        try subscriber.connect(try publisher.bind("tcp://127.0.0.1:*"))
        let message = try #require(try publisher.receive(within: .seconds(10)))
        #expect(SubscriptionEvent(message) == .subscribed(topic: [7]))
        #expect(message.userID == "client-7")
        authenticator.close()
        await loop.stop()
    }

    @Test func manyConnectionsAreDecidedOneAfterAnother() async throws {
        let context = try Context()
        let authenticator = try Authenticator(context, on: loop, users: [known.publicKey(): "client-7"])
        let pull = try Socket<Pull>(context, options: serverOptions())
        let endpoint = try pull.bind("tcp://127.0.0.1:*")
        for turn in 0..<5 as Range<UInt8> {
            let stranger = try Socket<Push>(context, options: clientOptions(unknown))
            try stranger.connect(endpoint)
            let push = try Socket<Push>(context, options: clientOptions(known))
            try push.connect(endpoint)
            #expect(try push.send([turn]))
            #expect(try pull.receive(within: .seconds(10))?.payload.bytes == [turn])
        }
        authenticator.close()
        await loop.stop()
    }

    @Test func aSubscriberGetsOnlyTheTopicsThatItMayHear() async throws {
        let context = try Context()
        let authenticator = try Authenticator(
            context, on: loop, users: [known.publicKey(): "one", unknown.publicKey(): "two"])
        let endpoint = ipcEndpoint()
        let publisher = try Socket<XPub>(context, options: serverOptions())
        try publisher.bind(endpoint)
        let asked = Record<String>()
        let port = try loop.publish(from: publisher) { topic, user in
            let topic = String(decoding: topic, as: UTF8.self)
            asked.add("\(user ?? "nobody") \(topic)")
            return topic == "g" || topic == "c/\(user ?? "nobody")/"
        }
        let first = try Socket<Sub>(context, options: clientOptions(known))
        let second = try Socket<Sub>(context, options: clientOptions(unknown))
        for topic in ["g", "c/one/"] { try first.subscribe(Array(topic.utf8)) }
        // Its own topic comes last: once that is answered, so are the others.
        for topic in ["", "c/", "c/one/", "g", "c/two/"] { try second.subscribe(Array(topic.utf8)) }
        try first.connect(endpoint)
        try second.connect(endpoint)
        _ = try await asked.wait(for: 7)
        for topic in ["c/one/", "c/two/", "x", "g"] {
            let sent = Record<Bool>()
            loop.execute { [port = Unchecked(port)] in
                sent.add((try? port.value.socket.send(topic: Array(topic.utf8), payload: [1])) ?? false)
            }
            #expect(try await sent.wait(for: 1) == [true])
        }
        #expect(try topics(first) == ["c/one/", "g"])
        #expect(try topics(second) == ["c/two/", "g"])
        port.close()
        authenticator.close()
        await loop.stop()
    }

    /// The topics that a subscriber receives until `g`, which is published last.
    private func topics(_ subscriber: borrowing Socket<Sub>) throws -> [String] {
        var topics: [String] = []
        while topics.last != "g", let message = try subscriber.receive(within: .seconds(10)) {
            topics.append(String(decoding: message[0].bytes, as: UTF8.self))
        }
        return topics
    }

    /// Hands a port to its loop's thread.
    private struct Unchecked: @unchecked Sendable {
        let value: Port<XPub>
        init(_ value: Port<XPub>) { self.value = value }
    }

    @Test func anUnknownKeyStaysOut() async throws {
        let context = try Context()
        let seen = Record<ConnectionRequest>()
        let authenticator = try Authenticator(context, on: loop) { request in
            seen.add(request)
            return .deny
        }
        let pull = try Socket<Pull>(context, options: serverOptions())
        let push = try Socket<Push>(context, options: clientOptions(unknown))
        let monitor = try push.monitor()
        try push.connect(try pull.bind("tcp://127.0.0.1:*"))
        _ = try push.send([1])
        let event = try #require(try nextEvent(monitor, .authenticationFailed))
        #expect(event.value == 400)
        #expect(try pull.receive(within: .milliseconds(50)) == nil)
        let request = try #require(seen.all.first)
        #expect(request.domain == "test")
        #expect(request.address == "127.0.0.1")
        #expect(try request.key == unknown.publicKey())
        authenticator.close()
        await loop.stop()
    }

    /// ZeroMQ itself would let everybody in.
    @Test func withoutAnAuthenticatorNobodyGetsIn() throws {
        let context = try Context()
        let pull = try Socket<Pull>(context, options: serverOptions())
        let push = try Socket<Push>(context, options: clientOptions(known))
        try push.connect(try pull.bind("tcp://127.0.0.1:*"))
        _ = try push.send([1])
        #expect(try pull.receive(within: .milliseconds(200)) == nil)
    }

    @Test func theWrongServerKeyAndNoKeyStayOut() async throws {
        let context = try Context()
        let authenticator = try Authenticator(context, on: loop) { _ in .allow(userID: "anybody") }
        let pull = try Socket<Pull>(context, options: serverOptions())
        let mistaken = try Socket<Push>(context, options: clientOptions(known, server: unknown))
        let open = try Socket<Push>(context, options: quick)
        let endpoint = try pull.bind("tcp://127.0.0.1:*")
        try mistaken.connect(endpoint)
        try open.connect(endpoint)
        _ = try mistaken.send([1])
        _ = try open.send([2])
        #expect(try pull.receive(within: .milliseconds(200)) == nil)
        let right = try Socket<Push>(context, options: clientOptions(known))
        try right.connect(endpoint)
        _ = try right.send([3])
        #expect(try pull.receive(within: .seconds(10))?.payload.bytes == [3])
        authenticator.close()
        await loop.stop()
    }

    @Test func aContextHasOneAuthenticator() async throws {
        let context = try Context()
        let first = try Authenticator(context, on: loop, users: [:])
        #expect(throws: TransportError.self) { try Authenticator(context, on: loop, users: [:]) }
        #expect(throws: TransportError(operation: .setOption, subject: "security domain", code: 22)) {
            _ = try Socket<Pull>(context, options: serverOptions(domain: ""))
        }
        first.close()
        await loop.stop()
    }

    @Test func aMonitorTellsOfComingAndGoing() throws {
        let context = try Context()
        let pull = try Socket<Pull>(context, options: quick)
        let monitor = try pull.monitor()
        let endpoint = try pull.bind("tcp://127.0.0.1:*")
        do {
            let push = try Socket<Push>(context, options: quick)
            try push.connect(endpoint)
            #expect(try push.send([1]))
            #expect(try pull.receive(within: .seconds(10)) != nil)
        }
        var kinds: [ConnectionEvent.Kind] = []
        while kinds.last != .disconnected, let message = try monitor.receive(within: .seconds(10)) {
            if let event = ConnectionEvent(message) { kinds.append(event.kind) }
        }
        #expect(kinds == [.listening, .accepted, .handshakeSucceeded, .disconnected])
    }
}
