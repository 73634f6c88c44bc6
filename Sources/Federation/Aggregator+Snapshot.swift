import PromptAggregation

/// The aggregator's whole state as bytes, so that recovery need not replay a run from its beginning.
extension Aggregator {
    /// Everything that events may have changed. The configuration and what the strategy was made of are left out: they stand
    /// in the log's first record. The same state gives the same bytes.
    public func snapshot() -> [UInt8] {
        // The states are most of it, and the strategy holds a few more.
        let state = history.reduce(0) { max($0, $1.state.parameters.byteCount + 16 * $1.state.promptIDs.count) }
        var writer = SnapshotWriter(capacity: (history.count + 8) * state)
        writeState(to: &writer)
        return writer.finish()
    }

    /// Whether `snapshot` would give these bytes, without making them.
    package func isEqual(toSnapshot bytes: ArraySlice<UInt8>) -> Bool {
        var writer = SnapshotWriter(comparingWith: bytes)
        writeState(to: &writer)
        return writer.isEqual()
    }

    /// Writes what `snapshot` holds, for a snapshot that is handed over or lies within another.
    package func writeState(to writer: inout SnapshotWriter) {
        writer.write("Aggregator")
        writer.write(run)
        strategy.writeNamed(to: &writer)
        writer.write(version)
        writer.write(Phase.allCases.firstIndex(of: phase)!)
        writer.write(history) { writer, published in
            writer.write(published.version)
            writer.write(published.state)
        }
        writer.write(unchangedSince)
        clients.write(to: &writer)
        ledger.write(to: &writer)
        for updates in [cut, buffer] { writer.write(updates) { $1.update.write(to: &$0) } }
        random.write(to: &writer)
        for count in Self.countPaths { writer.write(totals[keyPath: count]) }
        clock.write(to: &writer)
        waits.write(to: &writer)
        writer.write(clientsGathered)
    }

    /// The aggregator that `snapshot` was taken of.
    public init(
        configuration: FederationConfiguration, run: UInt64, strategy: any AggregationStrategy, snapshot: [UInt8]
    ) throws {
        try self.init(configuration: configuration, run: run, strategy: strategy, snapshot: snapshot[...])
    }

    /// The aggregator that `snapshot` was taken of.
    ///
    /// - Parameters:
    ///   - run: the run of the snapshot; another's is refused.
    ///   - strategy: made as the snapshot's was: same name, settings, initial state and seed.
    /// - Throws: `SnapshotError` saying what was expected and what came; `FederationError` as for a new one.
    public init(
        configuration: FederationConfiguration, run: UInt64, strategy: any AggregationStrategy,
        snapshot: ArraySlice<UInt8>
    ) throws {
        try self.init(configuration: configuration, run: run, strategy: strategy)
        try read(snapshot)
    }

    private mutating func read(_ snapshot: ArraySlice<UInt8>) throws(SnapshotError) {
        var reader = try SnapshotReader(snapshot)
        try reader.expect("Aggregator", "kind")
        try reader.expect(run, "run")
        try strategy.readNamed(from: &reader)
        version = try reader.integer("version", in: 0...FederationConfiguration.largestCount)
        phase = Phase.allCases[try reader.integer("phase", in: 0...Phase.allCases.count - 1)]
        try readHistory(from: &reader)
        clients = try ClientRegistry(
            from: &reader, version: version, failuresAllowed: configuration.failuresAllowed,
            order: configuration.order)
        ledger = try TaskLedger(from: &reader)
        cut = try readUpdates(from: &reader)
        buffer = try readUpdates(from: &reader)
        random = try SeededRandom(from: &reader)
        for count in Self.countPaths {
            totals[keyPath: count] = try reader.integer("total", in: 0...FederationConfiguration.largestCount)
        }
        clock = try EventClock(from: &reader)
        waits = try Waits(from: &reader)
        clientsGathered = try reader.flag()
        try reader.finish()
        if let violation = checkInvariants().first { throw reader.unexpected("state", "a sound one", violation) }
    }

    private static var countPaths: [WritableKeyPath<Counts, Int>] {
        [
            \.accepted, \.usedLate, \.discardedLate, \.duplicates, \.rejected, \.quarantined, \.failed, \.fenced,
        ]
    }

    private mutating func readHistory(from reader: inout SnapshotReader) throws(SnapshotError) {
        let present = strategy.state
        history = try reader.list { reader throws(SnapshotError) in
            .init(version: try reader.integer(), state: try reader.state(like: present))
        }
        let first = version - history.count + 1
        guard !history.isEmpty, first >= 0, history.count <= configuration.maximumStaleness + 1,
            zip(history, first...version).allSatisfy({ $0.version == $1 })
        else {
            throw reader.unexpected(
                "published versions", "consecutive ones up to \(version)", "\(history.map(\.version))")
        }
        unchangedSince = try reader.integers(
            "versions of tensors", count: current.state.parameters.entries.count)
    }

    /// The states that buffered updates started from are all in the history, which only a version shortens.
    private func readUpdates(from reader: inout SnapshotReader) throws(SnapshotError) -> [BufferedUpdate] {
        let updates = try reader.list { reader throws(SnapshotError) in try ClientMessage.Update(from: &reader) }
        var items: [BufferedUpdate] = []
        for update in updates {
            guard let base = history.first(where: { $0.version == update.baseVersion })?.state,
                let slot = clients.slot(of: update.client)
            else {
                throw reader.unexpected(
                    "client and base version of a buffered update",
                    "a known one and one from \(history[0].version) to \(version)",
                    "\(update.client), \(update.baseVersion)")
            }
            if let reason = update.misfit(on: base, plan: configuration.plan) {
                throw reader.unexpected("buffered update", "a fit", reason)
            }
            items.append(BufferedUpdate(slot: slot, update: update, base: base))
        }
        return items
    }
}

extension ClientMessage.Update {
    fileprivate func write(to writer: inout SnapshotWriter) {
        writer.write(client.name)
        for word in [session, run, task] { writer.write(word) }
        writer.write(baseVersion)
        writer.write(sampleCount)
        writer.write(parameters)
        writer.write(promptIDs)
        writer.write(metrics) { writer, metric in
            writer.write(metric.name)
            // Observers' figures may be anything, so they travel as bits.
            writer.write(metric.value.bitPattern)
        }
        writer.write(precision.rawValue)
    }

    fileprivate init(from reader: inout SnapshotReader) throws(SnapshotError) {
        self.init(
            client: ClientID(try reader.text()), session: try reader.word(), run: try reader.word(),
            task: try reader.word(), baseVersion: try reader.integer(), sampleCount: try reader.integer(),
            parameters: try reader.parameters(), promptIDs: try reader.words("prompt identities"),
            metrics: try reader.list { reader throws(SnapshotError) in
                Metric(name: try reader.text(), value: Double(bitPattern: try reader.word()))
            })
        let name = try reader.text()
        guard let precision = Precision(rawValue: name) else {
            throw reader.unexpected("precision", "one that there is", "'\(name)'")
        }
        self.precision = precision
    }
}

extension Aggregator.Waits {
    fileprivate func write(to writer: inout SnapshotWriter) {
        for time in [started, evaluationAsked] { writer.write(Int(time)) }
        for time in [nextBeacon, bufferedSince, roundSince, drainEnd] { writer.write(time) { $0.write(Int($1)) } }
        writer.write(roundIsOver)
    }

    fileprivate init(from reader: inout SnapshotReader) throws(SnapshotError) {
        func time(_ reader: inout SnapshotReader) throws(SnapshotError) -> Int64? {
            try reader.optional { reader throws(SnapshotError) in
                Int64(try reader.integer("time of a wait", in: 0...Int.max))
            }
        }
        started = Int64(try reader.integer("start of the run", in: 0...Int.max))
        evaluationAsked = Int64(try reader.integer("time of an evaluation's order", in: 0...Int.max))
        nextBeacon = try time(&reader)
        bufferedSince = try time(&reader)
        roundSince = try time(&reader)
        drainEnd = try time(&reader)
        roundIsOver = try reader.flag()
    }
}
