import PromptAggregation

extension PromptState {
    /// What a client starts from: its own tensors in the places of the published ones that it keeps.
    ///
    /// - Throws: `TuningError` when it has one that the state lacks or has in another shape.
    func adopting(_ personal: Parameters, as kept: TrainingPlan.Personal) throws(TuningError) -> PromptState {
        var state = self
        for (name, tensor) in personal.entries.map({ ($0.name, $0.tensor) })
        where kept.includes(name) && !Parameters.isControl(name) && name != Parameters.descriptor {
            guard let published = parameters[name] else { throw .missingParameter(name) }
            guard tensor.shape == published.shape else {
                throw .parameterShape(name, expected: "\(published.shape)", found: tensor.shape)
            }
            state.parameters[name] = tensor
        }
        return state
    }
}

/// SCAFFOLD's client (Karimireddy et al., ICML 2020, algorithm 1).
extension TrainedTensor {
    /// Has every step follow g + c − c_i; all rows of a pool move by it, also those that no batch picks.
    ///
    /// - Parameters:
    ///   - published: holds c.
    ///   - own: holds c_i, which is 0 until the client's first task is done.
    mutating func correct(by published: Parameters, own: Parameters) throws(TuningError) {
        let control = Parameters.control(of: name)
        guard let common = published[control] else { throw .missingParameter(control) }
        let own = own[control] ?? Tensor(zeros: shape)
        for tensor in [common, own] where tensor.shape != shape {
            throw .parameterShape(control, expected: "\(shape)", found: tensor.shape)
        }
        correction = zip(common.values, own.values).map { $0 - $1 }
        touched = touched.map { $0.map { _ in true } }
    }

    /// (x − y) / (K η), which is c_i' + c − c_i, and c_i' (option II); nil for a tensor that is not corrected.
    func control(steps: Int) -> (sent: Tensor, own: Tensor)? {
        guard let correction else { return nil }
        let length = Double(steps) * learningRate
        let sent = zip(base, values).map { length > 0 ? Float((Double($0) - Double($1)) / length) : 0 }
        let own = zip(sent, correction).map { length > 0 ? $0 - $1 : 0 }
        return (Tensor(shape: shape, values: sent), Tensor(shape: shape, values: own))
    }
}
