import Glibc
import Testing
import ZeroMQTransport

@Suite struct SocketTests {
    @Test(arguments: ["tcp://127.0.0.1:*", "ipc", "inproc://here"])
    func pushReachesPull(kind: String) throws {
        let context = try Context()
        let pull = try Socket<Pull>(context, options: quick)
        let push = try Socket<Push>(context, options: quick)
        let endpoint = try pull.bind(kind == "ipc" ? ipcEndpoint() : kind)
        #expect(!endpoint.contains("*"))
        try push.connect(endpoint)
        #expect(try push.send([1, 2, 3]))
        #expect(try push.send(frames: [[4], [], [5, 6]]))
        let one = try #require(try pull.receive(within: .seconds(10)))
        #expect(one.count == 1)
        #expect(one.payload.bytes == [1, 2, 3])
        #expect(one.userID == nil)
        let three = try #require(try pull.receive(within: .seconds(10)))
        #expect((0..<three.count).map { three[$0].bytes } == [[4], [], [5, 6]])
        #expect(three.payload.withUnsafeBytes { $0.count } == 2)
        #expect(try pull.receive() == nil)
        #expect(try pull.receive(within: .milliseconds(5)) == nil)
    }

    @Test func subscribersGetTheirTopics() throws {
        let context = try Context()
        let publisher = try Socket<XPub>(context, options: quick)
        try publisher.reportEverySubscription()
        let endpoint = try publisher.bind("tcp://127.0.0.1:*")
        let first = try Socket<Sub>(context, options: quick)
        let second = try Socket<Sub>(context, options: quick)
        try first.subscribe(Array("g".utf8))
        try first.connect(endpoint)
        #expect(try event(publisher) == .subscribed(topic: Array("g".utf8)))
        try second.subscribe(Array("g".utf8))
        try second.connect(endpoint)
        #expect(try event(publisher) == .subscribed(topic: Array("g".utf8)), "verbose: the second one counts too")
        try second.subscribe(Array("c/7".utf8))
        #expect(try event(publisher) == .subscribed(topic: Array("c/7".utf8)))

        try publisher.send(topic: Array("g".utf8), payload: [1])
        try publisher.send(topic: Array("c/7".utf8), payload: [2])
        try publisher.send(topic: Array("c/8".utf8), payload: [3])
        try publisher.send(topic: Array("g".utf8), payload: [4])
        #expect(try payloads(first, count: 2) == [[1], [4]])
        #expect(try payloads(second, count: 3) == [[1], [2], [4]])

        try second.unsubscribe(Array("c/7".utf8))
        #expect(try event(publisher) == .unsubscribed(topic: Array("c/7".utf8)))
    }

    private func event(_ publisher: borrowing Socket<XPub>) throws -> SubscriptionEvent? {
        try publisher.receive(within: .seconds(10)).flatMap(SubscriptionEvent.init)
    }

    private func payloads(_ socket: borrowing Socket<Sub>, count: Int) throws -> [[UInt8]] {
        var payloads: [[UInt8]] = []
        while payloads.count < count, let message = try socket.receive(within: .seconds(10)) {
            #expect(message.count == 2)
            payloads.append(message.payload.bytes)
        }
        #expect(try socket.receive(within: .milliseconds(20)) == nil)
        return payloads
    }

    @Test func aTakenAddressIsNamed() throws {
        let context = try Context()
        let first = try Socket<Pull>(context, options: quick)
        let second = try Socket<Pull>(context, options: quick)
        let endpoint = try first.bind("tcp://127.0.0.1:*")
        let expected = TransportError(operation: .bind, subject: endpoint, code: EADDRINUSE)
        #expect(throws: expected) { try second.bind(endpoint) }
        #expect(expected.description == "cannot bind \(endpoint): the address is in use by another socket (errno 98)")
        try first.unbind(endpoint)
        #expect(insist { (try? second.bind(endpoint)) != nil })
    }

    @Test(arguments: [
        ("nonsense", "no valid endpoint"), ("tcp://", "no valid endpoint"), ("tcp://127.0.0.1:999999", "no valid"),
        ("gopher://a:1", "endpoints start with tcp://"), ("tcp://203.0.113.9:0", "no network interface of this host"),
        ("tcp://nosuchinterface9:0", "no address and no network interface"),
        ("ipc:///nowhere/at/all.sock", "the directory of the ipc endpoint"),
        ("ipc:///tmp/" + String(repeating: "x", count: 200), "at most 107 bytes"),
    ])
    func badEndpointsAreExplained(endpoint: String, fragment: String) throws {
        let pull = try Socket<Pull>(Context(), options: quick)
        let error = #expect(throws: TransportError.self) { try pull.bind(endpoint) }
        #expect(error?.operation == .bind)
        #expect(error?.subject == endpoint)
        #expect(error?.description.contains(fragment) == true, "\(String(describing: error))")
    }

    @Test func connectingChecksTheForm() throws {
        let push = try Socket<Push>(Context(), options: quick)
        #expect(throws: TransportError.self) { try push.connect("tcp://nowhere") }
        #expect(throws: TransportError.self) { try push.connect("") }
        #expect(throws: Never.self) { try push.connect("tcp://127.0.0.1:1") }
        #expect(throws: TransportError.self) { try push.disconnect("tcp://127.0.0.1:2") }
    }

    @Test func badOptionsAreNamed() throws {
        let context = try Context()
        var options = quick
        options.sendHighWater = -1
        #expect(throws: TransportError(operation: .setOption, subject: "send high water", code: EINVAL)) {
            _ = try Socket<Push>(context, options: options)
        }
        options = quick
        options.unansweredTimeout = .seconds(1)
        options.keepalive = .init(idle: .seconds(60), interval: .seconds(10), count: 3)
        options.maximumMessageBytes = 1 << 20
        options.linger = nil
        #expect(throws: Never.self) { _ = try Socket<Pull>(context, options: options) }
        #expect(throws: TransportError.self) { try Context(ioThreads: -1) }
        #expect(throws: TransportError.self) { try Context(maximumSockets: .max) }
    }

    @Test func aContextHasOnlySoManySockets() throws {
        let context = try Context(maximumSockets: 2)
        let first = try Socket<Push>(context, options: quick)
        let second = try Socket<Push>(context, options: quick)
        #expect(throws: TransportError(operation: .createSocket, code: EMFILE)) {
            _ = try Socket<Push>(context, options: quick)
        }
        #expect(try !first.send([1]), "nobody is there")
        #expect(try !second.send([1]))
    }

    @Test func shutdownEndsAllCalls() throws {
        let context = try Context()
        let pull = try Socket<Pull>(context, options: quick)
        context.shutdown()
        let error = #expect(throws: TransportError.self) { try pull.receive() }
        #expect(error?.description.contains("the ZeroMQ context was shut down") == true)
        #expect(throws: TransportError.self) { try pull.receive(within: .seconds(10)) }
    }

    /// With room for few messages the sender learns so, and nothing that was taken is lost while both live.
    @Test func manyMessagesUnderALowHighWater() throws {
        let context = try Context()
        var options = quick
        options.sendHighWater = 3
        options.receiveHighWater = 3
        let pull = try Socket<Pull>(context, options: options)
        let push = try Socket<Push>(context, options: options)
        try push.connect(try pull.bind("tcp://127.0.0.1:*"))
        let payload = [UInt8](repeating: 7, count: 100_000)
        var received = 0
        var refused = 0
        for number in 0..<500 {
            let frames = [[UInt8(number / 256), UInt8(number % 256)], payload]
            #expect(
                try insist {
                    if try push.send(frames: frames) { return true }
                    refused += 1
                    while let message = try pull.receive() { received = try take(message, number: received) }
                    return false
                })
        }
        while received < 500, let message = try pull.receive(within: .seconds(10)) {
            received = try take(message, number: received)
        }
        #expect(received == 500)
        #expect(refused > 0)
    }

    private func take(_ message: Message, number: Int) throws -> Int {
        #expect(message[0].bytes == [UInt8(number / 256), UInt8(number % 256)])
        #expect(message[1].count == 100_000)
        return number + 1
    }

    @Test func messagesThatAreTooLargeAreCutOff() throws {
        let context = try Context()
        var options = quick
        options.maximumMessageBytes = 1000
        let pull = try Socket<Pull>(context, options: options)
        let large = try Socket<Push>(context, options: quick)
        let small = try Socket<Push>(context, options: quick)
        let endpoint = try pull.bind("tcp://127.0.0.1:*")
        try large.connect(endpoint)
        try small.connect(endpoint)
        #expect(try large.send([UInt8](repeating: 1, count: 1001)))
        #expect(try small.send([UInt8](repeating: 2, count: 1000)))
        #expect(try pull.receive(within: .seconds(10))?.payload.bytes.first == 2)
        #expect(try pull.receive(within: .milliseconds(50)) == nil)
    }

    @Test func messagesOfTooManyFramesAreLeftOut() throws {
        let context = try Context()
        let pull = try Socket<Pull>(context, options: quick)
        let push = try Socket<Push>(context, options: quick)
        try push.connect(try pull.bind("inproc://frames"))
        #expect(try push.send(frames: Array(repeating: [1], count: Message.maximumFrames + 1)))
        #expect(try push.send(frames: Array(repeating: [2], count: Message.maximumFrames)))
        #expect(try pull.receive(within: .seconds(10))?.count == Message.maximumFrames)
        #expect(try pull.receive() == nil)
    }

    @Test func peersMayVanishAndComeBack() throws {
        let context = try Context()
        var options = quick
        options.onlyConnectedPeers = true
        let push = try Socket<Push>(context, options: options)
        var endpoint = "tcp://127.0.0.1:*"
        for round in 0..<5 {
            let pull = try Socket<Pull>(context, options: quick)
            #expect(
                try insist {
                    guard let bound = try? pull.bind(endpoint) else { return false }
                    if round == 0 { try push.connect(bound) }
                    endpoint = bound
                    return true
                })
            #expect(try insist { try push.send([UInt8(round)]) })
            // A message may still have gone to the peer that vanished: send until one arrives.
            var message: Message?
            #expect(
                try insist {
                    message = try pull.receive(within: .milliseconds(20))
                    if message == nil { _ = try push.send([UInt8(round)]) }
                    return message != nil
                })
            #expect(message?.payload.count == 1)
        }
    }
}
