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
            build: try text(wire.build, most: limits.labelBytes, "header.build"),
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
        EpochStarted(
            epoch: try ordinal(wire.epoch, "epoch.epoch"),
            build: try text(wire.build, most: limits.labelBytes, "epoch.build"))
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
