extension TrainingPlan {
    /// The tensors of the state that a client keeps: it starts from the published ones once, continues from its own in
    /// each further task, and sends none of them.
    public enum Personal: String, Hashable, Sendable, CaseIterable {
        case nothing
        /// The head; the prompts are tuned together (FedPer, Arivazhagan et al. 2019).
        case head
        /// Training without exchange.
        case everything

        /// Whether clients keep the tensor of that name; a control variate goes with its tensor.
        public func includes(_ name: String) -> Bool {
            switch self {
            case .nothing: false
            case .head: Parameters.isOfHead(Parameters.controlled(by: name))
            case .everything: true
            }
        }
    }

    /// Whether an update holds the tensor of that name. It always holds `prompts`, without rows where they are personal or
    /// where class means are sent.
    public func sends(_ name: String) -> Bool {
        if name == Parameters.prompts { return true }
        if classMeans { return name == Parameters.classMeans || name == Parameters.classCounts }
        return !Parameters.isFixed(name) && name != Parameters.statisticsGeneration && !personal.includes(name)
    }
}
