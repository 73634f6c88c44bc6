import Federation
import Foundation
import Glibc
import MessageLog
import PromptAggregation
import PromptWire
import RunLog
import RunSettings

/// Measures how fast a run's log is read and replayed, beside a plain read of the same file.
public struct ReplayBenchmark: Sendable {
    /// A way to go through the whole log.
    public struct Row: Hashable, Sendable {
        public let name: String
        /// 0 where the file is only bytes.
        public let records: Int
        /// The median of the runs.
        public let duration: Duration
        /// Bytes of the file a second.
        public let bytesPerSecond: Double

        public var recordsPerSecond: Double { Double(records) / (duration / .seconds(1)) }
    }

    public let log: String
    /// Of all files.
    public let bytes: Int
    public let runs: Int
    private let files: [String]

    /// - Parameter runs: how many of each; the median counts. At least 1.
    /// - Throws: `LogError` where there is no log.
    public init(log: String, runs: Int) throws {
        let folder = RunFolder(path: log)
        let segments = (try? folder.segments()) ?? []
        files = segments.isEmpty ? [log] : segments.map(folder.segment)
        self.log = log
        bytes = try files.reduce(0) { sum, file in
            guard let size = try? FileManager.default.attributesOfItem(atPath: file)[.size] as? Int else {
                throw LogError.missing(path: file)
            }
            return sum + size
        }
        self.runs = max(1, runs)
    }

    /// Once through beforehand, so that all of them find the file in memory.
    /// - Throws: `LogError` or `ReplayError`.
    public func run() throws -> [Row] {
        _ = try plainRead()
        return [
            try row("plain read", plainRead),
            try row("scan, checking every byte") {
                try files.reduce(0) { try $0 + LogBenchmark.scan(path: $1).records }
            },
            try row("decode every record", decode),
            try row("replay, comparing every digest", replay),
        ]
    }

    private func row(_ name: String, _ body: () throws -> Int) throws -> Row {
        var records = 0
        let times = try (0..<runs).map { _ in
            let start = ContinuousClock.now
            records = try body()
            return ContinuousClock.now - start
        }.sorted()
        let median = times[runs / 2]
        return Row(
            name: name, records: records, duration: median, bytesPerSecond: Double(bytes) / (median / .seconds(1)))
    }

    private func plainRead() throws -> Int {
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { block.deallocate() }
        for path in files {
            let file = open(path, O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { throw LogError.missing(path: path) }
            defer { _ = close(file) }
            while read(file, block.baseAddress, block.count) > 0 {}
        }
        return 0
    }

    private func decode() throws -> Int {
        var reader = try RunLogReader(path: log)
        var records = 0
        while try reader.next() != nil { records += 1 }
        return records
    }

    private func replay() throws -> Int {
        try Replay(path: log) { step in
            guard case .checked(let publication) = step, !publication.isEqual else { return }
            throw ReplayError("\(log): version \(publication.version) does not replay to its recorded digest")
        }.records
    }
}

extension ReplayBenchmark {
    /// Writes the log of a run like the demo's whose clients answer every task at once, with noise instead of tuning.
    /// - Parameters:
    ///   - updates: accepted until the run ends, at least 1.
    ///   - settings: over the demo's.
    ///   - width: of a prompt; 192 as the bundled encoder has it.
    ///   - segmentBytes: the size at which the log's next segment begins.
    ///   - committed: sees the aggregator after each commit, with what it made known.
    /// - Throws: `LogError`, what `committed` throws.
    public static func writeRun(to folder: RunFolder, updates: Int) throws {
        try writeRun(to: folder, updates: updates) { _, _ in }
    }

    static func writeRun(
        to folder: RunFolder, updates: Int, settings: [String] = [], width: Int = 192, segmentBytes: UInt64 = .max,
        committed: (inout CommitPipeline, [CommittedEffect]) throws -> Void
    ) throws {
        let configuration = try RunConfiguration.load(
            base: RunConfiguration.demo, files: [], environment: [:], assignments: ["run.updates=\(updates)"] + settings
        )
        var random = SeededRandom(seed: configuration.federation.seed)
        let initial = state(pool: configuration.prompts.pool, width: width, &random)
        var now = Timestamp(nanoseconds: 0)
        let log = RunLogWriter(
            creating: folder,
            header: RunHeader(
                configurationYAML: configuration.yaml, seed: configuration.federation.seed, program: .running,
                run: 1, initial: .init(version: 0, state: initial)), at: now)
        var pipeline = CommitPipeline(
            LoggedAggregator(
                aggregator: try Aggregator(
                    configuration: configuration.federation, run: 1,
                    strategy: configuration.makeStrategy(initial: initial)), log: log, segmentBytes: segmentBytes))
        try pipeline.start(epoch: 1, at: now)
        for client in configuration.clients {
            let hello = ClientMessage.Hello(client: client, session: 1, sampleCount: 100)
            _ = try pipeline.receive(ClientCodec.encode(.hello(hello)).span.bytes, at: now)
        }
        while true {
            let effects = try pipeline.commit()
            try committed(&pipeline, effects)
            let tasks = effects.compactMap { committed -> AggregatorMessage.Task? in
                guard case .publish(.client, .task(let task)) = committed.effect else { return nil }
                return task
            }
            guard pipeline.aggregator.phase != .finished, !tasks.isEmpty else { break }
            let base = pipeline.aggregator.current
            for task in tasks {
                now = now + .milliseconds(1)
                let update = ClientMessage.Update(
                    client: task.client, session: 1, run: 1, task: task.number,
                    baseVersion: base.version, sampleCount: 100, parameters: noisy(base.state.parameters, &random),
                    promptIDs: base.state.promptIDs, metrics: [])
                _ = try pipeline.receive(ClientCodec.encode(.update(update)).span.bytes, at: now)
                try pipeline.aggregate(at: now)
            }
        }
        try pipeline.close()
    }

    /// The demo's shapes: a pool, and a head for ten classes.
    /// - Parameters:
    ///   - headWidth: nil for that of a prompt.
    ///   - first: the identity of the first prompt.
    static func state(
        pool: Int, width: Int, headWidth: Int? = nil, first: PromptID = 0, _ random: inout SeededRandom
    ) -> PromptState {
        let classes = 10
        func tensor(_ shape: [Int]) -> Tensor {
            Tensor(
                shape: shape,
                values: (0..<shape.reduce(1, *)).map { _ in Float(0.08 * random.nextUniform() - 0.04) })
        }
        return PromptState(
            parameters: Parameters([
                ("head.bias", tensor([classes])), ("head.weight", tensor([classes, headWidth ?? width])),
                (Parameters.prompts, tensor([pool, width])),
            ]), promptIDs: (0..<PromptID(pool)).map { first + $0 })
    }

    private static func noisy(_ parameters: Parameters, _ random: inout SeededRandom) -> Parameters {
        Parameters(
            parameters.entries.map { entry in
                (
                    entry.name,
                    Tensor(
                        shape: entry.tensor.shape,
                        values: entry.tensor.values.map { $0 + Float(0.001 * random.nextNormal()) })
                )
            })
    }
}
