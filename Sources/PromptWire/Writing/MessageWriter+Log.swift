import CPromptWire
import Federation
import PromptAggregation

extension MessageWriter {
    func runHeader(_ header: RunHeader) -> UnsafeMutablePointer<Impromptu__V2__RunHeader> {
        message(impromptu__v2__run_header__init) {
            $0.log_format = UInt32(RunHeader.logFormat)
            $0.configuration_yaml = text(header.configurationYAML)
            $0.seed = header.seed
            $0.program = program(header.program)
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
            $0.program = program(record.program)
            $0.signing_key = bytes(record.signingKey)
            $0.fork = record.fork.map(acceptedFork)
        }
    }

    private func program(_ program: Program) -> UnsafeMutablePointer<Impromptu__V2__Program> {
        message(impromptu__v2__program__init) {
            $0.build = text(program.build)
            $0.kernels = text(program.kernels)
            $0.algorithm = program.algorithm
        }
    }

    private func acceptedFork(_ fork: AcceptedFork) -> UnsafeMutablePointer<Impromptu__V2__AcceptedFork> {
        message(impromptu__v2__accepted_fork__init) {
            $0.version = Int64(fork.version)
            $0.logged = bytes(fork.logged)
            $0.replayed = bytes(fork.replayed)
        }
    }

    func tick(_ record: Tick) -> UnsafeMutablePointer<Impromptu__V2__Tick> {
        message(impromptu__v2__tick__init) {
            let starts = [0] + record.heard.map(\.upperBound)
            let numbers = zip(record.heard, starts).flatMap { [UInt32($0.lowerBound - $1), UInt32($0.count)] }
            $0.n_heard = numbers.count
            $0.heard = array(numbers)
        }
    }

    func flushAggregated(_ record: FlushAggregated) -> UnsafeMutablePointer<Impromptu__V2__FlushAggregated> {
        message(impromptu__v2__flush_aggregated__init) { $0.version = Int64(record.version) }
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

    func validation(_ record: Validation) -> UnsafeMutablePointer<Impromptu__V2__Validation> {
        message(impromptu__v2__validation__init) {
            $0.version = Int64(record.version)
            $0.accuracy = record.accuracy
            $0.balanced_accuracy = record.balancedAccuracy
            $0.loss = record.loss
            $0.masked_accuracy = record.maskedAccuracy
        }
    }

    func checkpoint(_ record: Checkpoint) -> UnsafeMutablePointer<Impromptu__V2__Checkpoint> {
        message(impromptu__v2__checkpoint__init) {
            $0.records = record.records
            $0.chain = bytes(record.chain)
            $0.signature = bytes(record.signature)
            $0.closing = record.end == .closing ? 1 : 0
            $0.continued = record.end == .continued ? 1 : 0
        }
    }

    func segmentStarted(_ record: SegmentStarted) -> UnsafeMutablePointer<Impromptu__V2__SegmentStarted> {
        message(impromptu__v2__segment_started__init) {
            $0.number = UInt64(record.number)
            $0.records = record.records
            $0.chain = bytes(record.chain)
            $0.bytes = record.bytes
            $0.header = runHeader(record.header)
            $0.start = epochStarted(record.start)
            $0.snapshot = bytes(record.snapshot)
        }
    }
}
