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
    var wire: Impromptu__V2__Optimizer {
        switch self {
        case .adam: IMPROMPTU__V2__OPTIMIZER__OPTIMIZER_ADAM
        case .adamw: IMPROMPTU__V2__OPTIMIZER__OPTIMIZER_ADAMW
        case .sgd: IMPROMPTU__V2__OPTIMIZER__OPTIMIZER_SGD
        }
    }
}

extension TrainingPlan.Personal: WireEnumeration {
    var wire: Impromptu__V2__Personal {
        switch self {
        case .nothing: IMPROMPTU__V2__PERSONAL__PERSONAL_NOTHING
        case .head: IMPROMPTU__V2__PERSONAL__PERSONAL_HEAD
        case .everything: IMPROMPTU__V2__PERSONAL__PERSONAL_EVERYTHING
        }
    }
}

extension ClientMessage.Heartbeat.Activity: WireEnumeration {
    var wire: Impromptu__V2__Activity {
        switch self {
        case .idle: IMPROMPTU__V2__ACTIVITY__ACTIVITY_IDLE
        case .waiting: IMPROMPTU__V2__ACTIVITY__ACTIVITY_WAITING
        case .training: IMPROMPTU__V2__ACTIVITY__ACTIVITY_TRAINING
        }
    }
}

extension AggregatorMessage.Reject.Code: WireEnumeration {
    var wire: Impromptu__V2__RejectCode {
        switch self {
        case .invalid: IMPROMPTU__V2__REJECT_CODE__REJECT_CODE_INVALID
        case .tooStale: IMPROMPTU__V2__REJECT_CODE__REJECT_CODE_TOO_STALE
        case .unknownVersion: IMPROMPTU__V2__REJECT_CODE__REJECT_CODE_UNKNOWN_VERSION
        case .finished: IMPROMPTU__V2__REJECT_CODE__REJECT_CODE_FINISHED
        case .quarantined: IMPROMPTU__V2__REJECT_CODE__REJECT_CODE_QUARANTINED
        case .unknownTask: IMPROMPTU__V2__REJECT_CODE__REJECT_CODE_UNKNOWN_TASK
        case .otherRun: IMPROMPTU__V2__REJECT_CODE__REJECT_CODE_OTHER_RUN
        }
    }
}

extension AggregatorMessage.Refuse.Code: WireEnumeration {
    var wire: Impromptu__V2__RefuseCode {
        switch self {
        case .modelMismatch: IMPROMPTU__V2__REFUSE_CODE__REFUSE_CODE_MODEL_MISMATCH
        case .full: IMPROMPTU__V2__REFUSE_CODE__REFUSE_CODE_FULL
        case .quarantined: IMPROMPTU__V2__REFUSE_CODE__REFUSE_CODE_QUARANTINED
        case .fenced: IMPROMPTU__V2__REFUSE_CODE__REFUSE_CODE_FENCED
        }
    }
}

extension Precision: WireEnumeration {
    var wire: Impromptu__V2__DataType {
        switch self {
        case .float32: IMPROMPTU__V2__DATA_TYPE__DATA_TYPE_F32
        case .float16: IMPROMPTU__V2__DATA_TYPE__DATA_TYPE_F16
        }
    }
}

extension AggregatorMessage.Beacon.Phase: WireEnumeration {
    var wire: Impromptu__V2__Phase {
        switch self {
        case .running: IMPROMPTU__V2__PHASE__PHASE_RUNNING
        case .finished: IMPROMPTU__V2__PHASE__PHASE_FINISHED
        }
    }
}
