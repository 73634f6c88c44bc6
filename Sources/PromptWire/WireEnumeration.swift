import CPromptWire
import Federation
import PromptAggregation

/// A Swift enumeration and its numbers in Proto/impromptu.proto, where 0 is never sent.
protocol WireEnumeration: CaseIterable {
    associatedtype Wire: RawRepresentable<UInt32>
    var wire: Wire { get }
}

extension WireEnumeration {
    /// The case of that number, nil for 0 and for a number that no case has.
    init?(_ wire: Wire) {
        guard let match = Self.allCases.first(where: { $0.wire.rawValue == wire.rawValue }) else { return nil }
        self = match
    }
}

extension TrainingPlan.Optimizer: WireEnumeration {
    var wire: Impromptu__V1__Optimizer {
        switch self {
        case .adam: IMPROMPTU__V1__OPTIMIZER__OPTIMIZER_ADAM
        case .adamw: IMPROMPTU__V1__OPTIMIZER__OPTIMIZER_ADAMW
        case .sgd: IMPROMPTU__V1__OPTIMIZER__OPTIMIZER_SGD
        }
    }
}

extension TrainingPlan.Personal: WireEnumeration {
    var wire: Impromptu__V1__Personal {
        switch self {
        case .nothing: IMPROMPTU__V1__PERSONAL__PERSONAL_NOTHING
        case .head: IMPROMPTU__V1__PERSONAL__PERSONAL_HEAD
        case .everything: IMPROMPTU__V1__PERSONAL__PERSONAL_EVERYTHING
        }
    }
}

extension ClientMessage.Heartbeat.Activity: WireEnumeration {
    var wire: Impromptu__V1__Activity {
        switch self {
        case .idle: IMPROMPTU__V1__ACTIVITY__ACTIVITY_IDLE
        case .waiting: IMPROMPTU__V1__ACTIVITY__ACTIVITY_WAITING
        case .training: IMPROMPTU__V1__ACTIVITY__ACTIVITY_TRAINING
        }
    }
}

extension AggregatorMessage.Reject.Code: WireEnumeration {
    var wire: Impromptu__V1__RejectCode {
        switch self {
        case .invalid: IMPROMPTU__V1__REJECT_CODE__REJECT_CODE_INVALID
        case .tooStale: IMPROMPTU__V1__REJECT_CODE__REJECT_CODE_TOO_STALE
        case .unknownVersion: IMPROMPTU__V1__REJECT_CODE__REJECT_CODE_UNKNOWN_VERSION
        case .encoderMismatch: IMPROMPTU__V1__REJECT_CODE__REJECT_CODE_ENCODER_MISMATCH
        case .finished: IMPROMPTU__V1__REJECT_CODE__REJECT_CODE_FINISHED
        case .quarantined: IMPROMPTU__V1__REJECT_CODE__REJECT_CODE_QUARANTINED
        }
    }
}

extension AggregatorMessage.Beacon.Phase: WireEnumeration {
    var wire: Impromptu__V1__Phase {
        switch self {
        case .running: IMPROMPTU__V1__PHASE__PHASE_RUNNING
        case .finished: IMPROMPTU__V1__PHASE__PHASE_FINISHED
        }
    }
}

/// The kinds of `AggregatorTimer`, without the versions that they guard.
enum TimerKind: WireEnumeration {
    case beacon, flushDeadline, roundDeadline, leaseSweep, runDeadline, drainDeadline

    var wire: Impromptu__V1__TimerKind {
        switch self {
        case .beacon: IMPROMPTU__V1__TIMER_KIND__TIMER_KIND_BEACON
        case .flushDeadline: IMPROMPTU__V1__TIMER_KIND__TIMER_KIND_FLUSH_DEADLINE
        case .roundDeadline: IMPROMPTU__V1__TIMER_KIND__TIMER_KIND_ROUND_DEADLINE
        case .leaseSweep: IMPROMPTU__V1__TIMER_KIND__TIMER_KIND_LEASE_SWEEP
        case .runDeadline: IMPROMPTU__V1__TIMER_KIND__TIMER_KIND_RUN_DEADLINE
        case .drainDeadline: IMPROMPTU__V1__TIMER_KIND__TIMER_KIND_DRAIN_DEADLINE
        }
    }
}
