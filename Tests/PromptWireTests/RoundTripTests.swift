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
                origin: Origin(run: messages.random.next(), epoch: max(1, messages.random.next())),
                message: messages.aggregatorMessage())
            let bytes = AggregatorCodec.encode(envelope.message, from: envelope.origin)
            #expect(try AggregatorCodec.decode(bytes) == envelope)
        }
    }

    @Test func everyLogRecordComesBackAsItWas() throws {
        var messages = RandomMessages(seed: 3)
        for turn in 0..<200 {
            let program = Program(build: "1.0+12", kernels: "avx2", algorithm: max(1, messages.random.next()))
            let header = RunHeader(
                configurationYAML: "clients: 3\n# größer\n", seed: messages.random.next(), program: program,
                run: messages.random.next(), initial: turn % 2 == 0 ? nil : messages.globalPrompts(),
                model: messages.model(),
                warmStart: turn % 3 == 0
                    ? .init(run: "größer", runID: "ab", version: messages.count(), digest: "cd") : nil)
            var digest: [UInt8] { (0..<32).map { _ in .random(in: 0...255, using: &messages.random) } }
            let epoch = EpochStarted(
                epoch: max(1, messages.random.next()), program: program, signingKey: turn % 2 == 0 ? [] : digest,
                fork: turn % 3 == 0
                    ? nil : AcceptedFork(version: messages.version(least: 0), logged: digest, replayed: digest))
            let validation = Validation(
                version: messages.version(least: 0), accuracy: 0.5, balancedAccuracy: 0.25, loss: 1.5,
                maskedAccuracy: 1)
            let checkpoint = Checkpoint(
                records: max(1, messages.random.next()), chain: digest, signature: turn % 2 == 0 ? [] : digest + digest,
                end: Checkpoint.End(rawValue: UInt8(turn % 3))!)
            let segment = SegmentStarted(
                number: 2 + turn, records: max(1, messages.random.next()), chain: digest, bytes: messages.random.next(),
                header: header, start: epoch, snapshot: digest + digest)
            let publication = Publication(
                version: messages.version(least: 0),
                digest: (0..<32).map { _ in .random(in: 0...255, using: &messages.random) },
                pool: messages.count(), contributions: messages.count(), updates: messages.count())
            #expect(try LogCodec.decode(LogCodec.encode(header), on: .header) == .header(header))
            #expect(try LogCodec.decode(LogCodec.encode(epoch), on: .epoch) == .epoch(epoch))
            for tick in [Tick(), Tick(heard: [0..<1]), Tick(heard: [3..<900, 1000..<1001, 1_000_000..<10_000_000])] {
                #expect(try LogCodec.decode(LogCodec.encode(tick), on: .tick) == .tick(tick))
            }
            #expect(
                try LogCodec.decode(LogCodec.encode(publication), on: .publication) == .publication(publication))
            #expect(try LogCodec.decode(LogCodec.encode(validation), on: .validation) == .validation(validation))
            #expect(try LogCodec.decode(LogCodec.encode(checkpoint), on: .checkpoint) == .checkpoint(checkpoint))
            #expect(try LogCodec.decode(LogCodec.encode(segment), on: .segment) == .segment(segment))
            for length in [0, 1, 127, 128, 16_383, 16_384, 70_000] {
                var whole = segment
                whole.snapshot = [UInt8](repeating: UInt8(turn), count: length)
                #expect(LogCodec.encode(segment, snapshotBytes: length) + whole.snapshot == LogCodec.encode(whole))
                #expect(try LogCodec.decode(LogCodec.encode(whole), on: .segment) == .segment(whole))
            }
            let drain = DrainRequested(patienceMilliseconds: messages.count())
            #expect(try LogCodec.decode(LogCodec.encode(drain), on: .drain) == .drain(drain))
            let aggregated = FlushAggregated(version: messages.version(least: 0))
            #expect(
                try LogCodec.decode(LogCodec.encode(aggregated), on: .aggregated) == .aggregated(aggregated))
            let change = SettingChanged(key: "run.updates", value: "\(messages.count())")
            #expect(try LogCodec.decode(LogCodec.encode(change), on: .setting) == .setting(change))
            let message = messages.clientMessage()
            #expect(try LogCodec.decode(ClientCodec.encode(message), on: .received) == .received(message))
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
        message.precision = .float32
        guard case .update(let update) = try ClientCodec.decode(ClientCodec.encode(.update(message))) else {
            Issue.record("an update came back as another message")
            return
        }
        #expect(update.parameters.entries[0].tensor.values.map(\.bitPattern) == values.map(\.bitPattern))
    }

    /// A value beyond half precision is the core's fault, and the codec does not hide it.
    @Test func halvesComeThrough() throws {
        let values: [Float] = [.nan, .infinity, -0.0, 65504, 0.5, Float(Float16.leastNonzeroMagnitude)]
        var messages = RandomMessages(seed: 6)
        var message = messages.update()
        message.parameters = Parameters([
            (Parameters.prompts, Tensor(shape: [2, 3], values: values)),
            (Parameters.featureMean, Tensor(shape: [1], values: [0.1])),
            (Parameters.classCounts, Tensor(shape: [1], values: [2049])),
        ])
        message.promptIDs = [7, 3]
        message.precision = .float16
        let bytes = ClientCodec.encode(.update(message))
        guard case .update(let update) = try ClientCodec.decode(bytes) else {
            Issue.record("an update came back as another message")
            return
        }
        #expect(update.precision == .float16)
        #expect(update.parameters[Parameters.featureMean]?.values == [0.1], "fixed tensors are not rounded")
        #expect(update.parameters[Parameters.classCounts]?.values == [2049], "nor are counts")
        let found = update.parameters[Parameters.prompts]!.values
        #expect(found[0].isNaN && Array(found.dropFirst()) == Array(values.dropFirst()))
        message.precision = .float32
        #expect(ClientCodec.encode(.update(message)).count - bytes.count == 6 * 2)
    }

    @Test func aSenderIsKnownAlsoWhereTheRestIsRefused() throws {
        var messages = RandomMessages(seed: 7)
        for _ in 0..<200 {
            let message = messages.clientMessage()
            var bytes = ClientCodec.encode(message)
            // Another protocol's number, in the field that comes first.
            bytes[1] = 9
            #expect(throws: WireError.self) { try ClientCodec.decode(bytes) }
            bytes.withUnsafeBytes {
                let isPresence = if case .presence = message { true } else { false }
                #expect(ClientCodec.sender(of: $0) == (isPresence ? nil : message.clients.first))
            }
            Array(bytes.dropLast(bytes.count / 2)).withUnsafeBytes { _ = ClientCodec.sender(of: $0) }
        }
        [UInt8]([8, 2]).withUnsafeBytes { #expect(ClientCodec.sender(of: $0) == nil) }
    }

    /// Of a message that is too large to be unpacked the first bytes say who sent it.
    @Test func aSenderIsKnownAlsoWhereTheMessageIsTooLarge() throws {
        var messages = RandomMessages(seed: 8)
        var limits = WireLimits()
        limits.messageBytes = 1
        for _ in 0..<200 {
            let message = messages.clientMessage()
            let bytes = ClientCodec.encode(message)
            let isPresence = if case .presence = message { true } else { false }
            let error = #expect(throws: WireError.self) { try ClientCodec.decode(bytes, limits: limits) }
            #expect(error?.problem == "expected at most 1 bytes, found \(bytes.count)")
            bytes.withUnsafeBytes {
                #expect(ClientCodec.sender(of: $0, limits: limits) == (isPresence ? nil : message.clients.first))
                // Wherever it is cut off, and whatever byte is another, nothing breaks.
                for count in 0..<min($0.count, 80) {
                    _ = ClientCodec.sender(of: UnsafeRawBufferPointer(rebasing: $0[..<count]), limits: limits)
                }
            }
            for place in 0..<min(bytes.count, 80) {
                var changed = bytes
                changed[place] ^= 0xFF
                changed.withUnsafeBytes { _ = ClientCodec.sender(of: $0, limits: limits) }
            }
        }
    }

    @Test func aPublicationsPayloadDoesNotDependOnTheEpoch() throws {
        var messages = RandomMessages(seed: 5)
        let prompts = messages.globalPrompts()
        let payload = AggregatorCodec.globalPromptsPayload(prompts)
        let header = LogCodec.encode(
            RunHeader(
                configurationYAML: "", seed: 0, program: Program(build: "", kernels: "", algorithm: 1), run: 0,
                initial: prompts))
        #expect(header.suffix(payload.count) == payload[...], "it is what the log's header holds")
        var other = prompts
        other.version += 1
        #expect(AggregatorCodec.globalPromptsPayload(other) != payload)
    }

    @Test func metricsAreSortedWhateverOrderTheyCameIn() throws {
        let beacon = Fields().number(1, UInt64(1))
            .message(9, Fields().text(1, "loss").real(2, 0.5))
            .message(9, Fields().text(1, "accuracy").real(2, 0.25))
        let bytes = Fields().number(1, UInt64(2)).number(3, UInt64(1)).message(11, beacon).bytes
        guard case .beacon(let found) = try AggregatorCodec.decode(bytes).message else {
            Issue.record("a beacon came back as another message")
            return
        }
        #expect(found.metrics == [Metric(name: "accuracy", value: 0.25), Metric(name: "loss", value: 0.5)])
    }
}
