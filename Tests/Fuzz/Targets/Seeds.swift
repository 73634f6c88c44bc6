import CZlib
import Federation
import PromptAggregation
import PromptWire

extension FuzzTarget {
    /// Inputs that get far, for a fuzzer to start from. Those that once broke something are files, in Tests/Fuzz/Tests/Seeds.
    package var seeds: [[UInt8]] {
        switch self {
        case .wire: wireSeeds
        case .log: logSeeds
        case .replay: replaySeeds
        case .safetensors: safetensorsSeeds
        case .configuration: configurationSeeds
        case .datasets: datasetSeeds
        case .kernels: kernelSeeds
        case .aggregator: aggregatorSeeds
        }
    }
}

private let program = Program(build: "x", kernels: "portable", algorithm: AggregationAlgorithm.version)

private let client = ClientID("client-00")
private let parameters = Parameters([
    (Parameters.headBias, Tensor(shape: [3], values: [0, 1, 2])),
    (Parameters.headWeight, Tensor(shape: [3, 4], values: [Float](repeating: 0.5, count: 12))),
    (Parameters.prompts, Tensor(shape: [1, 4], values: [1, 2, 3, 4])),
])
private let clientMessages: [ClientMessage] = [
    .hello(
        .init(
            client: client, session: 1, sampleCount: 10,
            model: ModelSpecification(fields: [.init("encoder", "abc")], digest: "abc"))),
    .heartbeat(.init(client: client, session: 1, activity: .training, task: 1, outstanding: 1)),
    .presence(
        .init(heartbeats: [.init(client: client, session: 1, activity: .idle, task: 0, outstanding: 0)])),
    .evaluation(
        .init(client: client, session: 1, version: 0, loss: 0.5, total: [3, 0], correct: [2, 0])),
    .fetch(.init(client: client, session: 1, holding: -1)),
    .failure(.init(client: client, session: 1, task: 1, reason: "no")),
    .update(
        .init(
            client: client, session: 1, run: 1, task: 1, baseVersion: 0, sampleCount: 10, parameters: parameters,
            promptIDs: [0], metrics: [Metric(name: "loss", value: 1)])),
    .goodbye(.init(client: client, session: 1)),
]

/// The byte by which scripts choose a channel.
private func place(of channel: LogChannel) -> Int { LogChannel.allCases.firstIndex(of: channel)! }

private let wireSeeds: [[UInt8]] = {
    let published: [AggregatorMessage] = [
        .welcome(.init(client: client, session: 1, version: 3, heartbeatMilliseconds: 2000)),
        .task(.init(client: client, session: 1, number: 1, version: 3, seed: 9, plan: TrainingPlan())),
        .prompts(
            .init(
                version: 3, changed: PromptState(parameters: parameters, promptIDs: [0]),
                unchanged: [.init(name: "head.bias", since: 1)])),
        .evaluate(.init(version: 3)), .ack(.init(client: client, task: 2)),
        .reject(.init(client: client, run: 1, task: 2, code: .invalid, reason: "no")),
        .refuse(.init(client: client, session: 1, code: .fenced, reason: "no")),
        .sayHello(.init(client: client, session: 1)), .malformed(.init(client: client, reason: "no")),
        .beacon(
            .init(
                phase: .running, version: 3, updates: 9, lateUpdates: 1, clientsAlive: 2, inFlight: 1, buffered: 0,
                pool: 1, metrics: [Metric(name: "loss", value: 1)])),
    ]
    let records: [(channel: LogChannel, bytes: [UInt8])] = [
        (
            .header,
            LogCodec.encode(
                RunHeader(
                    configurationYAML: "run: {seed: 1}", seed: 1, program: program, run: 1,
                    initial: .init(version: 0, state: PromptState(parameters: parameters, promptIDs: [0]))))
        ),
        (.epoch, LogCodec.encode(EpochStarted(epoch: 1, program: program))),
        (.received, ClientCodec.encode(clientMessages[0])),
        (.tick, LogCodec.encode(Tick())),
        (
            .validation,
            LogCodec.encode(
                Validation(version: 1, accuracy: 0.5, balancedAccuracy: 0.5, loss: 1, maskedAccuracy: 0.5))
        ),
        (
            .checkpoint,
            LogCodec.encode(Checkpoint(records: 3, chain: [UInt8](repeating: 5, count: 32), end: .closing))
        ),
        (.aggregated, LogCodec.encode(FlushAggregated(version: 1))),
        (.drain, LogCodec.encode(DrainRequested(patienceMilliseconds: 60_000))),
        (.setting, LogCodec.encode(SettingChanged(key: "run.updates", value: "9"))),
        (
            .publication,
            LogCodec.encode(
                Publication(
                    version: 1, digest: [UInt8](repeating: 7, count: 32), pool: 1, contributions: 2, updates: 2))
        ),
    ]
    return clientMessages.map { [0] + ClientCodec.encode($0) }
        + published.map { [1] + AggregatorCodec.encode($0, from: Origin(run: 1, epoch: 5)) } + [
            [2] + Topic.client(client).bytes
        ]
        + records.map { [UInt8(3 + place(of: $0.channel))] + $0.bytes }
}()

private let logSeeds: [[UInt8]] = {
    /// A record inside of a chunk: an opcode, a length, the content.
    func record(_ kind: UInt8, _ content: [UInt8]) -> [UInt8] {
        joined([kind], little(UInt64(content.count), 8), content)
    }
    func text(_ text: String) -> [UInt8] { little(UInt64(text.utf8.count), 4) + Array(text.utf8) }
    let times = little(5, 8) + little(5, 8)
    let schema = record(3, joined(little(1, 2), text("s"), text("protobuf"), text("")))
    let channel = record(4, joined(little(2, 2), little(1, 2), text("t"), text("protobuf"), text("")))
    let message = record(5, joined(little(2, 2), little(1, 4), little(5, 8), little(5, 8), [1, 2, 3]))
    return [
        joined([0], writtenLog([[1, 2, 3], [4]]).content),
        joined([0], writtenLog([[1, 2, 3], [4]], isClosed: true).content),
        [1, 3, 2, 9, 9, 1, 8, 0, 1, 60, 0, 0, 1, 0], [1, 2, 2, 9, 9, 1, 8, 0, 70, 0, 0, 0, 1],
        joined([2], times, schema), joined([2], times, schema, channel, message),
        joined([3], times, schema, channel, message),
    ]
}()

private let replaySeeds: [[UInt8]] = {
    func record(_ channel: LogChannel, _ time: UInt64, _ bytes: [UInt8]) -> [UInt8] {
        joined(
            [UInt8(place(of: channel)), 8], little(time, 8), little(UInt64(bytes.count), 2),
            bytes)
    }
    let start = record(.epoch, 1_000_000, LogCodec.encode(EpochStarted(epoch: 1, program: program)))
    let received = clientMessages.enumerated().flatMap {
        record(.received, UInt64(2_000_000 + $0), ClientCodec.encode($1))
    }
    let ticks = (0..<3).flatMap { record(.tick, UInt64(3_000_000 + $0), LogCodec.encode(Tick())) }
    let drain = record(.drain, 2_500_000, LogCodec.encode(DrainRequested(patienceMilliseconds: 60_000)))
    let aggregated = record(.aggregated, 2_600_000, LogCodec.encode(FlushAggregated(version: 1)))
    return [1, 2, 3, 9].map { joined([$0], start, received, ticks) } + [
        joined([1], start, received, aggregated, drain, ticks)
    ]
}()

private let safetensorsSeeds: [[UInt8]] = [
    (
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"I64","shape":[],"data_offsets":[8,16]}}"#,
        16
    ),
    (#"{"__metadata__":{"k":"v"},"a":{"dtype":"BF16","shape":[1,3],"data_offsets":[0,6]}}"#, 6), ("{}", 0),
    (
        #"{"a":{"dtype":"F16","shape":[0,5],"data_offsets":[0,0]},"b":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}"#,
        8
    ),
].map { header, size in
    joined(little(UInt64(header.utf8.count), 8), Array(header.utf8), (0..<size).map { UInt8($0) })
}

private let configurationSeeds: [[UInt8]] = [
    "run: {seed: 3, versions: 5, seconds: 1e3}\nfederation:\n  mode: synchronous # words\n  cohort: 4\n  quorum: 2\n",
    "strategy: {name: fedavg}\ntraining: {schedule: cosine, schedule_versions: 9}\nworker: {delay: pareto}\n",
    "strategy: {name: pfpt-async, sweeps: 3}\nhead: {personal: true}\ndata: {clients: 7, path: 'a b'}\n",
    "a: &x [1, 2]\nb: *x\nfederation: {buffer_size: 08, lease_seconds: .5, heartbeat_seconds: 0.1}\n",
].map { Array($0.utf8) }

private let datasetSeeds: [[UInt8]] = {
    let images: [UInt8] = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8]
    let labels: [UInt8] = [0, 0, 8, 1, 0, 0, 0, 2, 0, 2]
    let record = [UInt8](repeating: 1, count: 19)
    let packed = gzip(images)
    return [
        joined([0], little(UInt64(images.count), 2), images, labels),
        joined([0], little(UInt64(packed.count), 2), packed, gzip(labels)),
        joined([1], little(19, 2), record, record, record), [2, 4, 0, 0, 1, 9, 2],
    ]
}()

private let aggregatorSeeds: [[UInt8]] = {
    /// A hello of each client, then updates, with a commit and a timer between, a crash, and frames that are none.
    func script(_ seed: UInt8) -> [UInt8] {
        var script: [UInt8] = [seed]
        for client in 0..<5 as Range<UInt8> { script += [1, client, 1, 0, 10] }
        script += [6]
        for number in 0..<6 as Range<UInt8> {
            script += [8, number % 5, 200] + [UInt8](repeating: 100 + number, count: 40)
            script += [0, 1, number, 1, 0, 12, 6, 2, number % 5, 1, 2, 0, 1, 0, 4, 5, 5]
        }
        return script + [7, 0, 3, 1, 2, 3, 3, 2, 1, 6, 5, 7]
    }
    return (0..<24).map { script($0 * 7) } + [[0], []]
}()

private func gzip(_ bytes: [UInt8]) -> [UInt8] {
    var stream = z_stream()
    var output = [UInt8](repeating: 0, count: 1024)
    var input = bytes
    deflateInit2_(
        &stream, 9, Z_DEFLATED, 16 + 15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
    let size = input.withUnsafeMutableBufferPointer { input in
        output.withUnsafeMutableBufferPointer { output in
            stream.next_in = input.baseAddress
            stream.avail_in = UInt32(input.count)
            stream.next_out = output.baseAddress
            stream.avail_out = UInt32(output.count)
            deflate(&stream, Z_FINISH)
            deflateEnd(&stream)
            return output.count - Int(stream.avail_out)
        }
    }
    return Array(output.prefix(size))
}
