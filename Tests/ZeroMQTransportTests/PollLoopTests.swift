import Glibc
import Testing
import ZeroMQTransport

/// Receives on a loop and notes what its handler saw.
private actor Service {
    nonisolated let loop: PollLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    nonisolated let batches = Record<[[UInt8]]>()
    private var port: Port<Pull>?
    private var calls = 0

    init(loop: PollLoop) {
        self.loop = loop
    }

    func start(_ context: Context, endpoint: String = "tcp://127.0.0.1:*", batch: Int = 256, batchBytes: Int = 1 << 20)
        throws -> String
    {
        let pull = try Socket<Pull>(context, options: quick)
        let bound = try pull.bind(endpoint)
        port = loop.receive(from: pull, batch: batch, batchBytes: batchBytes) { [weak self] batch in
            self?.assumeIsolated { $0.handle(batch) }
        }
        return bound
    }

    private func handle(_ batch: [Message]) {
        #expect(loop.isCurrent)
        batches.add(batch.map(\.payload.bytes))
    }

    func countUp() -> Int {
        #expect(loop.isCurrent)
        calls += 1
        return calls
    }

    func close() { port?.close() }

    /// Receives one message, then goes over to another socket from within the handler.
    func startAndMove(_ context: Context, to endpoint: String) throws -> String {
        let pull = try Socket<Pull>(context, options: quick)
        let bound = try pull.bind("tcp://127.0.0.1:*")
        port = loop.receive(from: pull, batch: 1) { [weak self] batch in
            self?.assumeIsolated { service in
                service.handle(batch)
                #expect(throws: Never.self) { _ = try service.start(context, endpoint: endpoint) }
            }
        }
        return bound
    }

    /// Keeps the loop busy for as long as it runs.
    func spin(until stop: Record<Bool>) async {
        while stop.count == 0 { await Task.yield() }
    }
}

@Suite struct PollLoopTests {
    @Test func anActorRunsOnItsLoop() async throws {
        let loop = try PollLoop()
        let service = Service(loop: loop)
        #expect(!loop.isCurrent)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<200 { group.addTask { _ = await service.countUp() } }
        }
        #expect(await service.countUp() == 201)
        await loop.stop()
    }

    @Test(arguments: ["tcp://127.0.0.1:*", "ipc"])
    func messagesArriveInOrderAndInBatches(kind: String) async throws {
        let context = try Context()
        let loop = try PollLoop()
        let service = Service(loop: loop)
        let endpoint = try await service.start(context, endpoint: kind == "ipc" ? ipcEndpoint() : kind, batch: 64)
        let push = try Socket<Push>(context, options: quick)
        try push.connect(endpoint)
        let expected = (0..<20_000).map { [UInt8($0 & 255), UInt8($0 >> 8)] }
        for payload in expected { #expect(try insist { try push.send(payload) }) }
        let deadline = ContinuousClock.now + .seconds(10)
        while service.batches.all.joined().count < expected.count, .now < deadline {
            try await Task.sleep(for: .milliseconds(2))
        }
        let batches = service.batches.all
        #expect(Array(batches.joined()) == expected)
        #expect(batches.allSatisfy { !$0.isEmpty && $0.count <= 64 })
        #expect(batches.contains { $0.count > 1 }, "messages that wait together come together")
        await loop.stop()
    }

    @Test func batchesEndWhereTheirBytesDo() async throws {
        let context = try Context()
        let loop = try PollLoop()
        let service = Service(loop: loop)
        let endpoint = try await service.start(context, batchBytes: 1500)
        let push = try Socket<Push>(context, options: quick)
        try push.connect(endpoint)
        for number in UInt8(0)..<100 { #expect(try insist { try push.send(Array(repeating: number, count: 1000)) }) }
        let deadline = ContinuousClock.now + .seconds(10)
        while service.batches.all.joined().count < 100, .now < deadline { try await Task.sleep(for: .milliseconds(2)) }
        #expect(service.batches.all.joined().map(\.[0]) == Array(0..<100))
        #expect(service.batches.all.allSatisfy { $0.count <= 2 })
        await loop.stop()
    }

    @Test func aPublisherAnswersSubscriptions() async throws {
        let context = try Context()
        let loop = try PollLoop()
        let greeter = Greeter(loop: loop)
        let endpoint = try await greeter.start(context)
        let subscriber = try Socket<Sub>(context, options: quick)
        try subscriber.subscribe(Array("c/9".utf8))
        try subscriber.connect(endpoint)
        let welcome = try #require(try subscriber.receive(within: .seconds(10)))
        #expect(welcome[0].bytes == Array("c/9".utf8))
        #expect(welcome.payload.bytes == Array("welcome".utf8))
        await loop.stop()
    }

    @Test func aPortIsUsedOnItsLoopOnly() async throws {
        let context = try Context()
        let loop = try PollLoop()
        let port = loop.attach(try Socket<Push>(context, options: quick))
        #expect(throws: TransportError(operation: .send, code: EPERM)) { try port.socket.send([1]) }
        await loop.stop()
    }

    @Test func aClosedPortReceivesNothing() async throws {
        let context = try Context()
        let loop = try PollLoop()
        let service = Service(loop: loop)
        let endpoint = try await service.start(context)
        let push = try Socket<Push>(context, options: quick)
        try push.connect(endpoint)
        #expect(try insist { try push.send([1]) })
        #expect(try await service.batches.wait(for: 1) == [[[1]]])
        await service.close()
        await service.close()
        _ = try push.send([2])
        let next = try await retrying { try await service.start(context, endpoint: endpoint) }
        #expect(next == endpoint, "the address is free again")
        await loop.stop()
    }

    @Test func aHandlerMayReplaceItsOwnSocket() async throws {
        let context = try Context()
        let loop = try PollLoop()
        let service = Service(loop: loop)
        let second = ipcEndpoint()
        let first = try await service.startAndMove(context, to: second)
        let push = try Socket<Push>(context, options: quick)
        try push.connect(first)
        #expect(try push.send([1]))
        #expect(try push.send([2]), "waits behind the first and is dropped with its socket")
        #expect(try await service.batches.wait(for: 1) == [[[1]]])
        let other = try Socket<Push>(context, options: quick)
        try other.connect(second)
        #expect(try other.send([3]))
        #expect(try await service.batches.wait(for: 2) == [[[1]], [[3]]])
        await loop.stop()
    }

    @Test func manyPeersAtOnce() async throws {
        let context = try Context(maximumSockets: 2000)
        let loop = try PollLoop()
        let service = Service(loop: loop)
        let endpoint = try await service.start(context, endpoint: ipcEndpoint())
        for peer in 0..<200 {
            // Each peer goes at once after its message: what it has queued still arrives while it lingers.
            let push = try Socket<Push>(context)
            try push.connect(endpoint)
            #expect(try push.send([UInt8(peer)]))
        }
        let deadline = ContinuousClock.now + .seconds(60)
        while service.batches.all.joined().count < 200, .now < deadline { try await Task.sleep(for: .milliseconds(2)) }
        #expect(service.batches.all.joined().map { $0[0] }.sorted() == Array(0..<200))
        await loop.stop()
    }

    @Test func workFromManyThreadsRunsOnceEach() async throws {
        let loop = try PollLoop()
        let ran = Record<Int>()
        await withTaskGroup(of: Void.self) { group in
            for thread in 0..<8 {
                group.addTask {
                    for index in 0..<500 {
                        loop.execute {
                            #expect(loop.isCurrent)
                            ran.add(thread * 500 + index)
                        }
                    }
                }
            }
        }
        await loop.stop()
        #expect(ran.all.sorted() == Array(0..<4000))
        for thread in 0..<8 {
            let own = ran.all.filter { $0 / 500 == thread }
            #expect(own == own.sorted(), "work from one thread keeps its order")
        }
    }

    /// Neither a flood of messages nor jobs without end keep timers from firing.
    @Test func aBusyLoopStillRunsTimers() async throws {
        let context = try Context()
        let loop = try PollLoop()
        let service = Service(loop: loop)
        let endpoint = try await service.start(context, batch: 8)
        let finish = Record<Bool>()
        let spinner = Task { await service.spin(until: finish) }
        let ticks = Record<Int>()
        loop.schedule(every: .milliseconds(2)) { ticks.add(0) }
        let push = try Socket<Push>(context, options: quick)
        try push.connect(endpoint)
        for _ in 0..<20_000 where ticks.count < 10 { _ = try insist { try push.send([1]) } }
        #expect(try await ticks.wait(for: 10).count >= 10)
        finish.add(true)
        await spinner.value
        await loop.stop()
    }

    @Test func stopRunsWhatWasEnqueuedAndLosesNoJob() async throws {
        let context = try Context()
        let loop = try PollLoop()
        let service = Service(loop: loop)
        _ = try await service.start(context)
        let finish = Record<Bool>()
        let spinner = Task { await service.spin(until: finish) }
        let ran = Record<Int>()
        for index in 0..<100 { loop.execute { ran.add(index) } }
        await loop.stop()
        #expect(ran.count == 100)
        // The spinning job continues behind the end and still finishes.
        finish.add(true)
        await spinner.value
        #expect(await service.countUp() == 1)
        await loop.stop()
        loop.stopAndWait()
    }

    @Test func socketsAreClosedWhenTheLoopStops() async throws {
        let context = try Context(maximumSockets: 1)
        let loop = try PollLoop()
        let service = Service(loop: loop)
        let endpoint = try await service.start(context)
        await loop.stop()
        let bound = try await retrying { try Socket<Pull>(context, options: quick).bind(endpoint) }
        #expect(bound == endpoint)
        let late = loop.attach(try Socket<Push>(Context(), options: quick))
        _ = consume late
    }

    @Test func aLoopMayStopItself() async throws {
        let loop = try PollLoop()
        let ran = Record<Int>()
        loop.execute {
            ran.add(1)
            loop.stopAndWait()
            ran.add(2)
        }
        await loop.stop()
        #expect(ran.all == [1, 2])
    }

    @Test func aContextThatShutsDownLeavesTheLoopAlive() async throws {
        let context = try Context()
        let loop = try PollLoop()
        let service = Service(loop: loop)
        _ = try await service.start(context)
        context.shutdown()
        try await Task.sleep(for: .milliseconds(20))
        let other = try Context()
        let endpoint = try await service.start(other)
        let push = try Socket<Push>(other, options: quick)
        try push.connect(endpoint)
        #expect(try insist { try push.send([3]) })
        #expect(try await service.batches.wait(for: 1) == [[[3]]])
        await loop.stop()
    }
}

private actor Greeter {
    nonisolated let loop: PollLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    private var port: Port<XPub>?

    init(loop: PollLoop) {
        self.loop = loop
    }

    func start(_ context: Context) throws -> String {
        let publisher = try Socket<XPub>(context, options: quick)
        try publisher.reportEverySubscription()
        let endpoint = try publisher.bind("tcp://127.0.0.1:*")
        port = loop.receive(from: publisher) { [weak self] batch in
            self?.assumeIsolated { $0.greet(batch) }
        }
        return endpoint
    }

    private func greet(_ batch: [Message]) {
        for case .subscribed(let topic) in batch.compactMap(SubscriptionEvent.init) {
            #expect(throws: Never.self) { try port?.socket.send(topic: topic, payload: Array("welcome".utf8)) }
        }
    }
}

/// Counts threads and files of the whole process.
@Suite(.serialized) struct LeakTests {
    @Test func twoHundredLoopsLeaveNothingBehind() async throws {
        func cycle() async throws {
            let context = try Context()
            let loop = try PollLoop()
            let service = Service(loop: loop)
            let endpoint = try await service.start(context)
            let push = try Socket<Push>(context, options: quick)
            try push.connect(endpoint)
            #expect(try insist { try push.send([1]) })
            loop.schedule(after: .seconds(100)) { _ = service }
            _ = try await service.batches.wait(for: 1)
            await loop.stop()
        }
        for _ in 0..<10 { try await cycle() }
        let threads = countEntries("/proc/self/task")
        let files = countEntries("/proc/self/fd")
        for _ in 0..<200 { try await cycle() }
        // Other tests run beside this one and open files too, but those go away. A leak would stay, as hundreds.
        for _ in 0..<600 where countEntries("/proc/self/fd") >= files + 100 {
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(countEntries("/proc/self/task") < threads + 60)
        #expect(countEntries("/proc/self/fd") < files + 100)
    }
}
