import Federation
import FederationService
import Foundation
import PromptWire
import RunSettings
import Synchronization
import TestSupport
import Testing
import ZeroMQTransport

/// The aggregator's sockets under more peers than there is room for, and with subscribers that do not read.
@Suite struct LiveLoadTests {
    @Test func connectionsBeyondTheRoomAreTurnedAwayAndTheOthersStay() async throws {
        let crowds = Mutex<[PeerGate.Counts]>([])
        let aggregator = try LinkedAggregator(room: 3) { counts in crowds.withLock { $0.append(counts) } }
        let context = try Context()
        func push() throws -> Pusher { try Pusher(context, to: aggregator.endpoints.updates) }
        let first = try push()
        let second = try push()
        var third: Pusher? = try push()
        try await eventually(within: 20, "three connections: \(aggregator.peers)") { aggregator.peers.connected == 3 }
        #expect(crowds.withLock { $0.isEmpty })

        let late = try push()
        try await eventually(within: 20, "refusals: \(aggregator.peers)") { aggregator.peers.turnedAway >= 4 }
        #expect(aggregator.peers.failed == 0)
        let told = crowds.withLock { $0.map(\.turnedAway) }
        #expect(told.starts(with: [1, 2, 4]), "told at each doubling, found \(told)")
        #expect(try first.socket.send([1]))
        #expect(try second.socket.send([2]))
        #expect(try third?.socket.send([3]) == true)
        try await eventually(within: 20, "the three messages") { aggregator.received.isSuperset(of: [[1], [2], [3]]) }

        third = nil
        try await eventually(within: 20, "the late one's message") {
            _ = try late.socket.send([4])
            return aggregator.received.contains([4]) && aggregator.peers.connected == 3
        }
        aggregator.close()
    }

    /// A subscriber that reads nothing loses messages; one that reads gets them all, and what waits for the other is
    /// bounded.
    @Test func aStalledSubscriberStarvesNobodyAndLosesWhatIsTooMuch() async throws {
        let aggregator = try LinkedAggregator(stateBytes: 30_000)
        let context = try Context()
        let stalled = try Subscriber(context, to: aggregator.endpoints.prompts, highWater: 1)
        let reading = try Subscriber(context, to: aggregator.endpoints.prompts, highWater: 0)
        var number = 0
        // Both subscriptions have arrived when both have heard something.
        for subscriber in [stalled, reading] {
            try await eventually(within: 20, "the subscription") {
                aggregator.publish(number, bytes: 30_000)
                return try subscriber.next() != nil
            }
        }
        while try reading.next() != nil {}

        let published = 4000
        for _ in 0..<published / 100 {
            for _ in 0..<100 {
                number += 1
                aggregator.publish(number, bytes: 30_000)
            }
            for expected in number - 99...number {
                guard let found = try reading.next(), found == expected else {
                    Issue.record("the reading subscriber missed message \(expected)")
                    return
                }
            }
        }
        var kept = 0
        while try stalled.next() != nil { kept += 1 }
        #expect(kept > 0 && kept < published * 3 / 4, "\(kept) of \(published) messages had waited")
        aggregator.close()
    }

    @Test func aSubscriptionLongerThanAnyTopicEndsItsConnection() throws {
        let aggregator = try LinkedAggregator()
        var options = SocketOptions()
        options.linger = .zero
        let subscriber = try Socket<Sub>(Context(), options: options)
        let monitor = try subscriber.monitor()
        try subscriber.subscribe([UInt8](repeating: 1, count: 5000))
        try subscriber.connect(aggregator.endpoints.prompts)
        var kinds: [ConnectionEvent.Kind] = []
        while !kinds.contains(.disconnected), let message = try monitor.receive(within: .seconds(10)) {
            if let event = ConnectionEvent(message) { kinds.append(event.kind) }
        }
        #expect(kinds.contains(.disconnected), "\(kinds)")
        aggregator.close()
    }

    /// Up to twice what a client may say arrives, to be answered; what is longer ends its connection.
    @Test func aMessageFarBeyondWhatAClientMaySayEndsItsConnection() throws {
        let aggregator = try LinkedAggregator(stateBytes: 1000)
        defer { aggregator.close() }
        let most = AggregatorLinks.transportBytes(largestState: 1000)
        var options = SocketOptions()
        options.linger = .zero
        let push = try Socket<Push>(Context(), options: options)
        let monitor = try push.monitor()
        try push.connect(aggregator.endpoints.updates)
        func events(until last: ConnectionEvent.Kind) throws -> [ConnectionEvent.Kind] {
            var kinds: [ConnectionEvent.Kind] = []
            while kinds.last != last, let message = try monitor.receive(within: .seconds(10)) {
                if let event = ConnectionEvent(message) { kinds.append(event.kind) }
            }
            return kinds
        }
        _ = try events(until: .connected)
        let largest = [UInt8](repeating: 7, count: most)
        #expect(try push.send(largest))
        while !aggregator.received.contains(largest) { usleep(10_000) }
        #expect(try push.send(largest + [7]))
        let kinds = try events(until: .disconnected)
        #expect(kinds.last == .disconnected, "\(kinds)")
        #expect(aggregator.received == [largest])
    }

    @Test func theLimitOfOpenFilesIsRaisedAndAShortageExplained() throws {
        var limits = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
        let files = try OpenFiles(raisedTo: Int(limits.rlim_cur) + 1)
        #expect(files.limit == Int(min(limits.rlim_cur + 1, limits.rlim_max)))
        #expect(try OpenFiles(raisedTo: 1).limit == files.limit, "never lowered")
        #expect(files.shortage(forClients: files.connections / 2) == nil)
        let many = files.connections / 2 + 1
        let words = try #require(files.shortage(forClients: many))
        #expect(words.contains("\(files.limit)") && words.contains("\(OpenFiles.needed(forClients: many))"))
    }

    @Test func anAggregatorSaysThatItMayOpenTooFewFiles() async throws {
        try await withLiveFederation { federation in
            func start(limit: Int) throws -> LiveProcess {
                try LiveProcess(
                    "/bin/bash",
                    ["-c", "ulimit -n \(limit); exec \"$0\" \"$@\"", LiveFederation.program]
                        + federation.aggregatorArguments, log: "\(federation.path)/limit-\(limit).log")
            }
            let hopeless = try start(limit: 100)
            #expect(try await hopeless.exitCode() == 2)
            #expect(hopeless.output.contains("at least \(OpenFiles.own)") && hopeless.output.contains("LimitNOFILE"))
            // Room for two clients of the four.
            let narrow = try start(limit: OpenFiles.own + 4)
            try await federation.bound(narrow)
            #expect(narrow.output.contains("4 clients, each a process of its own, need \(OpenFiles.own + 8)"))
            narrow.signal(SIGTERM)
            #expect(try await narrow.exitCode() == 0, "\(narrow.output)")
        }
    }
}

private final class Pusher {
    let socket: Socket<Push>

    init(_ context: Context, to endpoint: String) throws {
        var options = SocketOptions()
        options.reconnectInterval = .milliseconds(20)
        options.linger = .zero
        socket = try Socket<Push>(context, options: options)
        try socket.connect(endpoint)
    }
}

private final class Subscriber {
    private let socket: Socket<Sub>

    init(_ context: Context, to endpoint: String, highWater: Int) throws {
        var options = SocketOptions()
        options.receiveHighWater = highWater
        socket = try Socket<Sub>(context, options: options)
        try socket.subscribe(Topic.all.bytes)
        try socket.connect(endpoint)
    }

    /// The number of the next message; nil where none comes.
    func next() throws -> Int? {
        guard let message = try socket.receive(within: .milliseconds(500)) else { return nil }
        return message.payload.withUnsafeBytes { $0.loadUnaligned(as: Int.self) }
    }
}

/// The aggregator's sockets on a loop of their own.
private final class LinkedAggregator: @unchecked Sendable {
    private let loop: PollLoop
    /// Used on the loop's thread.
    private var links: AggregatorLinks?
    private(set) var endpoints = RunConfiguration.Endpoints(updates: "", prompts: "")
    private let messages = Mutex<Set<[UInt8]>>([])

    init(
        stateBytes: Int = 1000, room: Int = 100, crowded: @escaping @Sendable (PeerGate.Counts) -> Void = { _ in }
    ) throws {
        loop = try PollLoop(name: "test")
        let result: Result<AggregatorLinks, any Error> = onLoop {
            Result {
                let loopback = RunConfiguration.Endpoints(updates: "tcp://127.0.0.1:*", prompts: "tcp://127.0.0.1:*")
                return try AggregatorLinks(
                    endpoints: loopback, orElse: loopback, keys: nil, loop: self.loop, batch: 16,
                    stateBytes: stateBytes, largestState: stateBytes, clients: 1, room: room, crowded: crowded,
                    denied: { _ in },
                    receive: { incoming in
                        let payloads = incoming.map { $0.withBytes { $0.withUnsafeBytes(Array.init) } }
                        self.messages.withLock { $0.formUnion(payloads) }
                    })
            }
        }
        let links = try result.get()
        endpoints = links.endpoints
        self.links = links
    }

    var peers: PeerGate.Counts { onLoop { self.links!.peers } }
    var received: Set<[UInt8]> { messages.withLock { $0 } }

    /// Publishes a state of that size, which begins with the number.
    func publish(_ number: Int, bytes: Int) {
        onLoop {
            var payload = [UInt8](repeating: 0, count: bytes)
            payload.withUnsafeMutableBytes { $0.storeBytes(of: number, as: Int.self) }
            try! self.links!.publish(payload, on: .all)
        }
    }

    func close() {
        onLoop {
            self.links!.close()
            self.links = nil
        }
        loop.stopAndWait()
    }

    @discardableResult
    private func onLoop<Outcome>(_ body: @escaping () -> Outcome) -> Outcome {
        let done = DispatchSemaphore(value: 0)
        nonisolated(unsafe) var outcome: Outcome?
        nonisolated(unsafe) let body = body
        loop.execute {
            outcome = body()
            done.signal()
        }
        done.wait()
        return outcome!
    }
}
