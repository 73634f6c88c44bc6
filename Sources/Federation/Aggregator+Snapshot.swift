import PromptAggregation

/// The aggregator's whole state as bytes, so that recovery need not replay a run from its beginning.
extension Aggregator {
    /// Everything that events may have changed. The configuration and what the strategy was made of are left out: they stand
    /// in the log's first record. The same state gives the same bytes.
    public func snapshot() -> [UInt8] {
        var writer = SnapshotWriter()
        writer.write("Aggregator")
        strategy.writeNamed(to: &writer)
        writer.write(version)
        writer.write(Self.phases.firstIndex(of: phase) ?? 0)
        writer.write(history) { writer, published in
            writer.write(published.version)
            writer.write(published.state)
        }
        writer.write(clients.records) { $1.write(to: &$0) }
        writer.write(buffer) { $1.update.write(to: &$0) }
        random.write(to: &writer)
        writer.write(nextTask)
        writer.write(roundDeadlinePassed)
        writer.write(roundDeadlineSet)
        for count in Self.totals { writer.write(counts[keyPath: count]) }
        writer.write(Int(startedAt.nanoseconds))
        writer.write(clientsGathered)
        return writer.finish()
    }

    /// The aggregator that `snapshot` was taken of.
    ///
    /// - Parameter strategy: made as the snapshot's was: same name, settings, initial state and seed.
    /// - Throws: `SnapshotError` saying what was expected and what came.
    public init(
        configuration: FederationConfiguration, strategy: any AggregationStrategy, snapshot: [UInt8]
    ) throws(SnapshotError) {
        self.init(configuration: configuration, strategy: strategy)
        var reader = try SnapshotReader(snapshot)
        try reader.expect("Aggregator", "kind")
        try self.strategy.readNamed(from: &reader)
        version = try reader.integer("version", in: 0...Int.max)
        phase = Self.phases[try reader.integer("phase", in: 0...Self.phases.count - 1)]
        try readHistory(from: &reader)
        clients = try ClientRegistry(from: &reader)
        try readBuffer(from: &reader)
        random = try SeededRandom(from: &reader)
        nextTask = try reader.word()
        roundDeadlinePassed = try reader.flag()
        roundDeadlineSet = try reader.integer()
        for count in Self.totals { counts[keyPath: count] = try reader.integer("total", in: 0...Int.max) }
        startedAt = Timestamp(nanoseconds: Int64(try reader.integer()))
        clientsGathered = try reader.flag()
        try reader.finish()
    }

    private static let phases: [Phase] = [.ready, .running, .finished, .draining, .resting]

    private static var totals: [WritableKeyPath<Counts, Int>] {
        [
            \.accepted, \.usedLate, \.discardedLate, \.duplicates, \.rejected, \.quarantined, \.clientsAlive,
            \.inFlight,
        ]
    }

    private mutating func readHistory(from reader: inout SnapshotReader) throws(SnapshotError) {
        let present = strategy.state
        history = try reader.list { reader throws(SnapshotError) in
            .init(version: try reader.integer(), state: try reader.state(like: present))
        }
        let versions = history.map(\.version)
        guard let first = versions.first, first >= 0, versions == Array(first..<first + versions.count),
            versions.last == version
        else {
            throw reader.unexpected("published versions", "consecutive ones up to \(version)", "\(versions)")
        }
    }

    /// The states that buffered updates started from are all in the history, which only a flush shortens.
    private mutating func readBuffer(from reader: inout SnapshotReader) throws(SnapshotError) {
        let updates = try reader.list { reader throws(SnapshotError) in try ClientMessage.Update(from: &reader) }
        buffer = []
        for update in updates {
            guard let base = history.first(where: { $0.version == update.baseVersion })?.state else {
                throw reader.unexpected(
                    "base version of a buffered update", "one from \(history[0].version) to \(version)",
                    "\(update.baseVersion)")
            }
            if let reason = misfit(of: update, on: base) { throw reader.unexpected("buffered update", "a fit", reason) }
            buffer.append(BufferedUpdate(update: update, base: base))
        }
    }
}

extension ClientMessage.Update {
    fileprivate func write(to writer: inout SnapshotWriter) {
        writer.write(client.name)
        for word in [session, sequence, task] { writer.write(word) }
        writer.write(baseVersion)
        writer.write(sampleCount)
        writer.write(parameters)
        writer.write(promptIDs)
        writer.write(metrics) { writer, metric in
            writer.write(metric.name)
            // Observers' figures may be anything, so they travel as bits.
            writer.write(metric.value.bitPattern)
        }
    }

    fileprivate init(from reader: inout SnapshotReader) throws(SnapshotError) {
        self.init(
            client: ClientID(try reader.text()), session: try reader.word(), sequence: try reader.word(),
            task: try reader.word(), baseVersion: try reader.integer(), sampleCount: try reader.integer(),
            parameters: try reader.parameters(), promptIDs: try reader.words("prompt identities"),
            metrics: try reader.list { reader throws(SnapshotError) in
                Metric(name: try reader.text(), value: Double(bitPattern: try reader.word()))
            })
    }
}
