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

    @Test func aRouterAnswersWhoSpokeAndNobodyElse() async throws {
        let context = try Context()
        let authenticator = try Authenticator(
            context, on: loop, users: [known.publicKey(): "one", unknown.publicKey(): "two"])
        let endpoint = ipcEndpoint()
        let router = try Socket<Router>(context, options: serverOptions())
        try router.reportUnreachable()
        try router.bind(endpoint)
        let first = try Socket<Dealer>(context, options: clientOptions(known))
        let second = try Socket<Dealer>(context, options: clientOptions(unknown))
        try first.connect(endpoint)
        try second.connect(endpoint)
        #expect(try first.send([1]))
        let message = try #require(try router.receive(within: .seconds(10)))
        #expect(message.count == 2 && message.payload.bytes == [1] && message.userID == "one")
        #expect(try second.send([2]))
        #expect(try router.receive(within: .seconds(10))?.userID == "two")
        #expect(try router.send(frames: [message[0].bytes, [3], [4]]))
        let answer = try #require(try first.receive(within: .seconds(10)))
        #expect(answer.count == 2 && answer[0].bytes == [3] && answer[1].bytes == [4])
        #expect(try second.receive(within: .milliseconds(100)) == nil)
        let error = #expect(throws: TransportError.self) { try router.send(frames: [[0, 9, 9, 9, 9], [3]]) }
        #expect(try #require(error).isUnreachable)
        authenticator.close()
        await loop.stop()
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
