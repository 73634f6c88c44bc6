import CPromptWire
import Federation
import PromptAggregation

extension MessageWriter {
    func runHeader(_ header: RunHeader) -> UnsafeMutablePointer<Impromptu__V1__RunHeader> {
        message(impromptu__v1__run_header__init) {
            $0.log_format = UInt32(RunHeader.logFormat)
            $0.configuration_yaml = text(header.configurationYAML)
            $0.seed = header.seed
            $0.build = text(header.build)
            $0.incarnation = header.incarnation
            $0.initial = header.initial.map(globalPrompts)
        }
    }

    func incarnationStarted(
        _ record: IncarnationStarted
    ) -> UnsafeMutablePointer<Impromptu__V1__IncarnationStarted> {
        message(impromptu__v1__incarnation_started__init) {
            $0.incarnation = record.incarnation
            $0.build = text(record.build)
        }
    }

    func timerFired(_ record: TimerFired) -> UnsafeMutablePointer<Impromptu__V1__TimerFired> {
        let (kind, guarded): (TimerKind, Version) =
            switch record.timer {
            case .beacon: (.beacon, -1)
            case .leaseSweep: (.leaseSweep, -1)
            case .flushDeadline(let version): (.flushDeadline, version)
            case .roundDeadline(let version): (.roundDeadline, version)
            case .runDeadline: (.runDeadline, -1)
            case .drainDeadline: (.drainDeadline, -1)
            }
        return message(impromptu__v1__timer_fired__init) {
            $0.kind = kind.wire
            $0.version = Int64(guarded)
        }
    }

    func drainRequested(_ record: DrainRequested) -> UnsafeMutablePointer<Impromptu__V1__DrainRequested> {
        message(impromptu__v1__drain_requested__init) {
            $0.patience_milliseconds = Int64(record.patienceMilliseconds)
        }
    }

    func publication(_ record: Publication) -> UnsafeMutablePointer<Impromptu__V1__Publication> {
        message(impromptu__v1__publication__init) {
            $0.version = Int64(record.version)
            $0.digest = bytes(record.digest)
            $0.pool = Int64(record.pool)
            $0.contributions = Int64(record.contributions)
            $0.updates = Int64(record.updates)
        }
    }
}
