import CPromptWire
import Federation
import PromptAggregation

extension MessageReader {
    func runHeader(_ wire: Impromptu__V1__RunHeader) throws(WireError) -> RunHeader {
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
            build: try text(wire.build, most: limits.labelBytes, "header.build"),
            incarnation: wire.incarnation,
            initial: initial)
    }

    func incarnationStarted(_ wire: Impromptu__V1__IncarnationStarted) throws(WireError) -> IncarnationStarted {
        IncarnationStarted(
            incarnation: wire.incarnation,
            build: try text(wire.build, most: limits.labelBytes, "incarnation.build"))
    }

    func timer(_ wire: Impromptu__V1__TimerFired) throws(WireError) -> AggregatorTimer {
        let kind: TimerKind = try enumeration(wire.kind, "timer.kind")
        switch kind {
        case .beacon: return try unguarded(.beacon, wire)
        case .leaseSweep: return try unguarded(.leaseSweep, wire)
        case .runDeadline: return try unguarded(.runDeadline, wire)
        case .drainDeadline: return try unguarded(.drainDeadline, wire)
        case .flushDeadline: return .flushDeadline(try version(wire.version, "timer.version"))
        case .roundDeadline: return .roundDeadline(try version(wire.version, "timer.version"))
        }
    }

    private func unguarded(
        _ timer: AggregatorTimer, _ wire: Impromptu__V1__TimerFired
    ) throws(WireError) -> AggregatorTimer {
        guard wire.version == -1 else {
            throw WireError(
                field: "timer.version",
                problem: "expected -1 for a timer that guards no version, found \(wire.version)")
        }
        return timer
    }

    func drainRequested(_ wire: Impromptu__V1__DrainRequested) throws(WireError) -> DrainRequested {
        DrainRequested(patienceMilliseconds: try count(wire.patience_milliseconds, "drain.patience_milliseconds"))
    }

    func publication(_ wire: Impromptu__V1__Publication) throws(WireError) -> Publication {
        let digest = [UInt8](UnsafeRawBufferPointer(start: wire.digest.data, count: wire.digest.len))
        guard (16...64).contains(digest.count) else {
            throw WireError(
                field: "publication.digest", problem: "expected 16 to 64 bytes, found \(digest.count)")
        }
        return Publication(
            version: try version(wire.version, "publication.version"),
            digest: digest,
            pool: try count(wire.pool, "publication.pool"),
            contributions: try count(wire.contributions, "publication.contributions"),
            updates: try count(wire.updates, "publication.updates"))
    }
}
