import PromptAggregation

/// The values of tensors that travel.
public enum Precision: String, Hashable, Sendable, CaseIterable {
    case float32
    /// IEEE 754 binary16: half the bytes. What is beyond its largest finite value is sent as that.
    case float16

    /// A value as the other side receives it.
    public func rounded(_ value: Float) -> Float {
        guard self == .float16, value.isFinite else { return value }
        let most = Float(Float16.greatestFiniteMagnitude)
        return Float(Float16(min(max(value, -most), most)))
    }

    /// Whether a tensor travels as float32 in any run: one that never changes, since it travels once, and counts, which
    /// half precision has no room for.
    public static func isExact(_ name: String) -> Bool {
        Parameters.isFixed(name) || [Parameters.classCounts, Parameters.statisticsGeneration].contains(name)
    }

    func rounded(_ parameters: Parameters) -> Parameters {
        guard self != .float32 else { return parameters }
        var parameters = parameters
        for entry in parameters.entries where !Self.isExact(entry.name) {
            var tensor = entry.tensor
            for place in tensor.values.indices { tensor.values[place] = rounded(tensor.values[place]) }
            parameters[entry.name] = tensor
        }
        return parameters
    }

    func rounded(_ state: PromptState) -> PromptState {
        guard self != .float32 else { return state }
        var state = state
        state.parameters = rounded(state.parameters)
        return state
    }
}
