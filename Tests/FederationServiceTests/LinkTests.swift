import FederationService
import Foundation
import RunSettings
import Synchronization
import Testing
import ZeroMQTransport

/// When a silence is reported, and that its end is.
@Suite struct SilenceTests {
    private let start = ContinuousClock.now

    @Test func aSilenceIsReportedAgainAfterGrowingPausesAndItsEndOnce() {
        var silence = Silence(since: start, patience: .seconds(10))
        func words(_ seconds: ClosedRange<Int>, heard: Bool = false) -> [Int: Silence.Word] {
            var words: [Int: Silence.Word] = [:]
            for second in seconds { words[second] = silence.look(at: start + .seconds(second), isHeard: heard) }
            return words
        }
        #expect(words(1...75) == [10: .silent(.seconds(10)), 30: .silent(.seconds(30)), 70: .silent(.seconds(70))])
        #expect(words(76...90, heard: true) == [76: .heard])
        // A silence that was not reported ends without a word.
        #expect(words(91...99) == [:])
        #expect(words(100...101, heard: true) == [:])
        #expect(words(102...112) == [111: .silent(.seconds(10))])
        #expect(words(113...113, heard: true) == [113: .heard])
    }

    @Test func aRefusalIsReportedSoonAndAgainAfterTheSamePauses() {
        var silence = Silence(since: start, patience: .seconds(10))
        let reports = (1...100).filter {
            silence.look(at: start + .seconds($0), isHeard: false, isRefused: true) != nil
        }
        #expect(reports == [3, 23, 63])
        #expect(silence.look(at: start + .seconds(101), isHeard: true) == .heard)
        // An aggregator that is started again refuses for a moment.
        #expect(silence.look(at: start + .seconds(103), isHeard: false, isRefused: true) == nil)
        #expect(silence.look(at: start + .seconds(104), isHeard: false, isRefused: true) == .silent(.seconds(3)))
    }

    @Test func pausesEndAtTenMinutes() {
        var silence = Silence(since: start, patience: .seconds(10))
        let reports = (1...5000).filter { silence.look(at: start + .seconds($0), isHeard: false) != nil }
        #expect(reports == [10, 30, 70, 150, 310, 630, 1230, 1830, 2430, 3030, 3630, 4230, 4830])
    }

    @Test func theFirstWordOfAnAggregatorIsReported() {
        var silence = Silence(since: start, patience: .seconds(10))
        #expect(silence.look(at: start + .seconds(1), isHeard: true) == .heard)
        #expect(silence.look(at: start + .seconds(2), isHeard: true) == nil)
    }
}

/// What a worker reports of an aggregator that it cannot talk to, by what ZeroMQ really does in each case.
@Suite(.timeLimit(.minutes(1))) struct ReachTests {
    private let keys: (server: CurveSecretKey, client: CurveSecretKey, other: CurveSecretKey)

    init() throws {
        keys = (try .generate(), try .generate(), try .generate())
    }

    /// Binds a PULL socket, connects to it, and waits until the connection has come so far, or is refused.
    private func reach(
        to wanted: Reach, server: Security, client: Security, allows: Bool = true, swapped: Bool = false
    ) throws -> Reach {
        let loop = try PollLoop(name: "reach")
        defer { loop.stopAndWait() }
        let context = try Context()
        let authenticator =
            if case .none = server { nil as Authenticator? } else {
                try Authenticator(context, on: loop) { _ in allows ? .allow(userID: "w") : .deny }
            }
        defer { authenticator?.close() }
        var options = SocketOptions()
        options.security = server
        let pull = try Socket<Pull>(context, options: options)
        let endpoint = try pull.bind("tcp://127.0.0.1:*")
        options = WorkerLinks.options
        options.security = client
        options.linger = .zero
        let clients = try Context()
        var reach = Reach.nothing
        func watch(_ monitor: borrowing Socket<Monitor>) throws {
            let deadline = ContinuousClock.now + .seconds(20)
            while reach != wanted, let message = try monitor.receive(within: deadline - .now) {
                if let event = ConnectionEvent(message) { reach.take(event) }
            }
        }
        if swapped {
            let subscriber = try Socket<Sub>(clients, options: options)
            let monitor = try subscriber.monitor()
            try subscriber.connect(endpoint)
            try watch(monitor)
            try subscriber.disconnect(endpoint)
        } else {
            let push = try Socket<Push>(clients, options: options)
            let monitor = try push.monitor()
            try push.connect(endpoint)
            try watch(monitor)
            try push.disconnect(endpoint)
        }
        try pull.unbind(endpoint)
        return reach
    }

    private var curveServer: Security { .curveServer(key: keys.server) }
    private func curveClient(of server: CurveSecretKey) throws -> Security {
        .curveClient(key: keys.client, server: try server.publicKey())
    }

    @Test func whoMayConnectTalks() throws {
        #expect(try reach(to: .talks, server: .none, client: .none) == .talks)
        #expect(try reach(to: .talks, server: curveServer, client: curveClient(of: keys.server)) == .talks)
    }

    @Test func anotherAggregatorsKeyIsBrokenOff() throws {
        let reach = try reach(to: .brokenOff, server: curveServer, client: curveClient(of: keys.other))
        #expect(reach == .brokenOff)
        #expect(reach.isRefusal && reach.words(hasKeys: true).contains("security.aggregator_key"))
    }

    @Test func swappedPortsAreBrokenOff() throws {
        let open = try reach(to: .brokenOff, server: .none, client: .none, swapped: true)
        #expect(open == .brokenOff && open.words(hasKeys: false).contains("swapped"))
        #expect(
            try reach(to: .brokenOff, server: curveServer, client: curveClient(of: keys.server), swapped: true)
                == .brokenOff)
    }

    @Test func keysOnOneSideAreNamed() throws {
        #expect(try reach(to: .oneSidedKeys, server: curveServer, client: .none) == .oneSidedKeys)
        #expect(try reach(to: .oneSidedKeys, server: .none, client: curveClient(of: keys.server)) == .oneSidedKeys)
    }

    @Test func anUnknownKeyIsNamed() throws {
        #expect(
            try reach(to: .keyUnknown, server: curveServer, client: curveClient(of: keys.server), allows: false)
                == .keyUnknown)
    }
}

/// Names and both families of addresses, bound and connected to.
@Suite(.timeLimit(.minutes(1))) struct AddressTests {
    @Test(arguments: [
        ("tcp://127.0.0.1", "tcp://127.0.0.1"), ("tcp://[::1]", "tcp://[::1]"), ("tcp://localhost", "tcp://localhost"),
        ("tcp://*", "tcp://[::1]"), ("tcp://*", "tcp://127.0.0.1"), ("tcp://[::]", "tcp://localhost"),
        ("tcp://lo", "tcp://localhost"),
    ]) func whatIsBoundIsReached(bound: String, connected: String) throws {
        let context = try Context()
        var options = SocketOptions()
        options.linger = .zero
        let pull = try Socket<Pull>(context, options: options)
        let port = try pull.bind(bound + ":*").split(separator: ":").last
        let push = try Socket<Push>(context, options: options)
        try push.connect("\(connected):\(try #require(port))")
        #expect(try push.send([1, 2, 3]))
        let message = try pull.receive(within: .seconds(20))
        #expect(message?.payload.bytes == [1, 2, 3])
    }

    @Test func aNameThatIsNoneIsReported() throws {
        let pull = try Socket<Pull>(try Context())
        let error = #expect(throws: TransportError.self) { try pull.bind("tcp://no-such-host.invalid:*") }
        #expect("\(try #require(error))".contains("no-such-host.invalid"))
    }
}
