import Federation
import PromptAggregation
import PromptWire
import Testing

@Suite struct RoundTripTests {
    @Test func everyClientMessageComesBackAsItWas() throws {
        var messages = RandomMessages(seed: 1)
        for _ in 0..<2_000 {
            let message = messages.clientMessage()
            #expect(try ClientCodec.decode(ClientCodec.encode(message)) == message)
        }
    }

    @Test func everyAggregatorMessageComesBackAsItWas() throws {
        var messages = RandomMessages(seed: 2)
        for _ in 0..<2_000 {
            let envelope = AggregatorEnvelope(
                incarnation: messages.random.next(), message: messages.aggregatorMessage())
            let bytes = AggregatorCodec.encode(envelope.message, incarnation: envelope.incarnation)
            #expect(try AggregatorCodec.decode(bytes) == envelope)
        }
    }

    @Test func everyLogRecordComesBackAsItWas() throws {
        var messages = RandomMessages(seed: 3)
        for turn in 0..<200 {
            let header = RunHeader(
                configurationYAML: "clients: 3\n# größer\n", seed: messages.random.next(), build: "1.0",
                incarnation: messages.random.next(), initial: turn % 2 == 0 ? nil : messages.globalPrompts())
            let incarnation = IncarnationStarted(incarnation: messages.random.next(), build: "1.0.1")
            let publication = Publication(
                version: messages.version(least: 0),
                digest: (0..<32).map { _ in .random(in: 0...255, using: &messages.random) },
                pool: messages.count(), contributions: messages.count(), updates: messages.count())
            #expect(try LogCodec.decode(LogCodec.encode(header), on: .header) == .header(header))
            #expect(
                try LogCodec.decode(LogCodec.encode(incarnation), on: .incarnation) == .incarnation(incarnation))
            #expect(
                try LogCodec.decode(LogCodec.encode(publication), on: .publication) == .publication(publication))
            let drain = DrainRequested(patienceMilliseconds: messages.count())
            #expect(try LogCodec.decode(LogCodec.encode(drain), on: .drain) == .drain(drain))
            let message = messages.clientMessage()
            #expect(try LogCodec.decode(ClientCodec.encode(message), on: .received) == .received(message))
        }
        let timers: [AggregatorTimer] = [
            .beacon, .leaseSweep, .flushDeadline(0), .flushDeadline(1 << 40), .roundDeadline(7), .runDeadline,
            .drainDeadline,
        ]
        for timer in timers {
            #expect(try LogCodec.decode(LogCodec.encode(TimerFired(timer)), on: .timer) == .timer(TimerFired(timer)))
        }
    }

    /// The aggregator refuses such values and says why; the codec hands them over bit for bit.
    @Test func valuesOfTensorsThatAreNotFiniteComeThrough() throws {
        let values: [Float] = [
            .nan, .infinity, -.infinity, -0.0, .leastNonzeroMagnitude, Float(bitPattern: 0xffc0_1234),
        ]
        var messages = RandomMessages(seed: 4)
        var message = messages.update()
        message.parameters = Parameters([(Parameters.prompts, Tensor(shape: [2, 3], values: values))])
        message.promptIDs = [7, 3]
        guard case .update(let update) = try ClientCodec.decode(ClientCodec.encode(.update(message))) else {
            Issue.record("an update came back as another message")
            return
        }
        #expect(update.parameters.entries[0].tensor.values.map(\.bitPattern) == values.map(\.bitPattern))
    }

    @Test func aPublicationsPayloadDoesNotDependOnTheIncarnation() throws {
        var messages = RandomMessages(seed: 5)
        let prompts = messages.globalPrompts()
        let payload = AggregatorCodec.globalPromptsPayload(prompts)
        for incarnation: UInt64 in [1, 2, .max] {
            let bytes = AggregatorCodec.encode(.globalPrompts(prompts), incarnation: incarnation)
            #expect(bytes.suffix(payload.count) == payload[...])
        }
        var other = prompts
        other.version += 1
        #expect(AggregatorCodec.globalPromptsPayload(other) != payload)
    }

    @Test func metricsAreSortedWhateverOrderTheyCameIn() throws {
        let beacon = Fields().number(1, UInt64(1))
            .message(9, Fields().text(1, "loss").real(2, 0.5))
            .message(9, Fields().text(1, "accuracy").real(2, 0.25))
        let bytes = Fields().number(1, UInt64(1)).message(8, beacon).bytes
        guard case .beacon(let found) = try AggregatorCodec.decode(bytes).message else {
            Issue.record("a beacon came back as another message")
            return
        }
        #expect(found.metrics == [Metric(name: "accuracy", value: 0.25), Metric(name: "loss", value: 0.5)])
    }
}
