import CPromptWire
import Federation
import PromptAggregation

extension MessageWriter {
    func runHeader(_ header: RunHeader) -> UnsafeMutablePointer<Impromptu__V2__RunHeader> {
        message(impromptu__v2__run_header__init) {
            $0.log_format = UInt32(RunHeader.logFormat)
            $0.configuration_yaml = text(header.configurationYAML)
            $0.seed = header.seed
            $0.build = text(header.build)
            $0.run = header.run
            $0.initial = header.initial.map(globalPrompts)
            $0.model = model(header.model)
            $0.warm_start = header.warmStart.map(warmStart)
        }
    }

    private func warmStart(_ start: WarmStart) -> UnsafeMutablePointer<Impromptu__V2__WarmStart> {
        message(impromptu__v2__warm_start__init) {
            $0.run = text(start.run)
            $0.run_id = text(start.runID)
            $0.version = Int64(start.version)
            $0.digest = text(start.digest)
        }
    }

    func epochStarted(_ record: EpochStarted) -> UnsafeMutablePointer<Impromptu__V2__EpochStarted> {
        message(impromptu__v2__epoch_started__init) {
            $0.epoch = record.epoch
            $0.build = text(record.build)
        }
    }

    func tick(_ record: Tick) -> UnsafeMutablePointer<Impromptu__V2__Tick> {
        message(impromptu__v2__tick__init) { _ in }
    }

    func drainRequested(_ record: DrainRequested) -> UnsafeMutablePointer<Impromptu__V2__DrainRequested> {
        message(impromptu__v2__drain_requested__init) {
            $0.patience_milliseconds = Int64(record.patienceMilliseconds)
        }
    }

    func settingChanged(_ record: SettingChanged) -> UnsafeMutablePointer<Impromptu__V2__SettingChanged> {
        message(impromptu__v2__setting_changed__init) {
            $0.key = text(record.key)
            $0.value = text(record.value)
        }
    }

    func publication(_ record: Publication) -> UnsafeMutablePointer<Impromptu__V2__Publication> {
        message(impromptu__v2__publication__init) {
            $0.version = Int64(record.version)
            $0.digest = bytes(record.digest)
            $0.pool = Int64(record.pool)
            $0.contributions = Int64(record.contributions)
            $0.updates = Int64(record.updates)
        }
    }
}
