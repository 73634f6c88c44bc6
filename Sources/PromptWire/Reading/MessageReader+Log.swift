import CPromptWire
import Federation
import PromptAggregation

extension MessageReader {
    func runHeader(_ wire: Impromptu__V2__RunHeader) throws(WireError) -> RunHeader {
        guard wire.log_format == UInt32(RunHeader.logFormat) else {
            throw WireError(
                field: "header.log_format", problem: "expected \(RunHeader.logFormat), found \(wire.log_format)")
        }
        var initial: AggregatorMessage.GlobalPrompts?
        if let prompts = wire.initial { initial = try globalPrompts(prompts.pointee, "header.initial") }
        return RunHeader(
            configurationYAML: try text(
                wire.configuration_yaml, most: limits.configurationBytes, "header.configuration_yaml"),
            seed: wire.seed,
            program: try program(wire.program, "header.program"),
            run: wire.run,
            initial: initial,
            model: try model(wire.model, "header.model"),
            warmStart: try wire.warm_start.map { start throws(WireError) in try warmStart(start.pointee) })
    }

    private func warmStart(_ wire: Impromptu__V2__WarmStart) throws(WireError) -> WarmStart {
        WarmStart(
            run: try text(wire.run, most: limits.labelBytes, "header.warm_start.run"),
            runID: try text(wire.run_id, most: limits.labelBytes, "header.warm_start.run_id"),
            version: try version(wire.version, "header.warm_start.version"),
            digest: try text(wire.digest, most: limits.labelBytes, "header.warm_start.digest"))
    }

    func epochStarted(_ wire: Impromptu__V2__EpochStarted) throws(WireError) -> EpochStarted {
        var fork: AcceptedFork?
        if let wire = wire.fork?.pointee {
            fork = AcceptedFork(
                version: try version(wire.version, "epoch.fork.version"),
                logged: try binary(wire.logged, 16...64, "epoch.fork.logged"),
                replayed: try binary(wire.replayed, 16...64, "epoch.fork.replayed"))
        }
        return EpochStarted(
            epoch: try ordinal(wire.epoch, "epoch.epoch"), program: try program(wire.program, "epoch.program"),
            signingKey: try optionalBinary(wire.signing_key, 32, "epoch.signing_key"), fork: fork)
    }

    private func program(
        _ wire: UnsafeMutablePointer<Impromptu__V2__Program>?, _ path: String
    ) throws(WireError) -> Program {
        guard let wire = wire?.pointee else { throw WireError(field: path, problem: "expected it, found none") }
        return Program(
            build: try text(wire.build, most: limits.labelBytes, "\(path).build"),
            kernels: try text(wire.kernels, most: limits.labelBytes, "\(path).kernels"),
            algorithm: try ordinal(wire.algorithm, "\(path).algorithm"))
    }

    private func binary(
        _ data: ProtobufCBinaryData, _ sizes: ClosedRange<Int>, _ path: String
    ) throws(WireError) -> [UInt8] {
        guard sizes.contains(data.len) else {
            let expected = sizes.count == 1 ? "\(sizes.lowerBound)" : "\(sizes.lowerBound) to \(sizes.upperBound)"
            throw WireError(field: path, problem: "expected \(expected) bytes, found \(data.len)")
        }
        return [UInt8](UnsafeRawBufferPointer(start: data.data, count: data.len))
    }

    /// Bytes of one size, or none.
    private func optionalBinary(_ data: ProtobufCBinaryData, _ size: Int, _ path: String) throws(WireError) -> [UInt8] {
        data.len == 0 ? [] : try binary(data, size...size, path)
    }

    func tick(_ wire: Impromptu__V2__Tick) throws(WireError) -> Tick {
        let numbers = try array(wire.heard, wire.n_heard, most: 2 * Tick.mostRanges, "tick.heard")
        guard numbers.count.isMultiple(of: 2) else {
            throw WireError(field: "tick.heard", problem: "expected pairs, found \(numbers.count) numbers")
        }
        var heard: [Range<Int>] = []
        for place in stride(from: 0, to: numbers.count, by: 2) {
            let (gap, count) = (Int(numbers[place]), Int(numbers[place + 1]))
            guard count > 0, gap > 0 || place == 0 else {
                throw WireError(
                    field: "tick.heard[\(place)]",
                    problem: "expected clients, and a gap before all but the first,"
                        + " found \(gap) left out and \(count) heard")
            }
            let start = (heard.last?.upperBound ?? 0) + gap
            heard.append(start..<start + count)
        }
        return Tick(heard: heard)
    }

    func flushAggregated(_ wire: Impromptu__V2__FlushAggregated) throws(WireError) -> FlushAggregated {
        FlushAggregated(version: try version(wire.version, "aggregated.version"))
    }

    func drainRequested(_ wire: Impromptu__V2__DrainRequested) throws(WireError) -> DrainRequested {
        DrainRequested(patienceMilliseconds: try count(wire.patience_milliseconds, "drain.patience_milliseconds"))
    }

    func settingChanged(_ wire: Impromptu__V2__SettingChanged) throws(WireError) -> SettingChanged {
        SettingChanged(
            key: try text(wire.key, most: limits.labelBytes, "setting.key"),
            value: try text(wire.value, most: limits.labelBytes, "setting.value"))
    }

    func publication(_ wire: Impromptu__V2__Publication) throws(WireError) -> Publication {
        Publication(
            version: try version(wire.version, "publication.version"),
            digest: try binary(wire.digest, 16...64, "publication.digest"),
            pool: try count(wire.pool, "publication.pool"),
            contributions: try count(wire.contributions, "publication.contributions"),
            updates: try count(wire.updates, "publication.updates"))
    }

    func validation(_ wire: Impromptu__V2__Validation) throws(WireError) -> Validation {
        Validation(
            version: try version(wire.version, "validation.version"),
            accuracy: try finite(wire.accuracy, "validation.accuracy"),
            balancedAccuracy: try finite(wire.balanced_accuracy, "validation.balanced_accuracy"),
            loss: wire.loss,
            maskedAccuracy: try finite(wire.masked_accuracy, "validation.masked_accuracy"))
    }

    func checkpoint(_ wire: Impromptu__V2__Checkpoint) throws(WireError) -> Checkpoint {
        guard wire.closing == 0 || wire.continued == 0 else {
            throw WireError(field: "checkpoint.continued", problem: "expected false where closing is true, found true")
        }
        return Checkpoint(
            records: try ordinal(wire.records, "checkpoint.records"),
            chain: try binary(wire.chain, 32...32, "checkpoint.chain"),
            signature: try optionalBinary(wire.signature, 64, "checkpoint.signature"),
            end: wire.closing != 0 ? .closing : wire.continued != 0 ? .continued : .none)
    }

    func segmentStarted(_ wire: Impromptu__V2__SegmentStarted) throws(WireError) -> SegmentStarted {
        guard (2...UInt64(Int32.max)).contains(wire.number) else {
            throw WireError(field: "segment.number", problem: "expected 2 to \(Int32.max), found \(wire.number)")
        }
        guard let header = wire.header?.pointee, let start = wire.start?.pointee else {
            let field = wire.header == nil ? "segment.header" : "segment.start"
            throw WireError(field: field, problem: "expected it, found none")
        }
        return SegmentStarted(
            number: Int(wire.number), records: try ordinal(wire.records, "segment.records"),
            chain: try binary(wire.chain, 32...32, "segment.chain"), bytes: wire.bytes,
            header: try runHeader(header), start: try epochStarted(start),
            snapshot: [UInt8](UnsafeRawBufferPointer(start: wire.snapshot.data, count: wire.snapshot.len)))
    }
}
