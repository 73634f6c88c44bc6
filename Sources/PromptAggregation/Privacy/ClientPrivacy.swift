/// How a client keeps its updates from revealing too much of its data: what an update changed is clipped as a whole and
/// gets Gaussian noise before it is stored and sent (Abadi et al. 2016; by client McMahan et al. 2018).
public struct ClientPrivacy: Hashable, Sendable {
    /// The most Euclidean norm of what an update changed, over all of its tensors.
    public var clipNorm: Double
    /// The noise's standard deviation in each value, as a multiple of `clipNorm`.
    public var noiseMultiplier: Double
    /// δ of the ε that is reported.
    public var delta: Double
    /// A client takes no task whose update would bring its ε above this; nil for no bound.
    public var budget: Double?
    /// What clients say that they have, instead of their number of samples; nil sends the true one.
    public var sampleCount: Int?

    public init(clipNorm: Double, noiseMultiplier: Double, delta: Double, budget: Double?, sampleCount: Int?) {
        self.clipNorm = clipNorm
        self.noiseMultiplier = noiseMultiplier
        self.delta = delta
        self.budget = budget
        self.sampleCount = sampleCount
    }

    /// What one update costs.
    public var rho: Double { PrivacyAccountant.rho(noiseMultiplier: noiseMultiplier) }

    /// ε after updates that cost `rho` together.
    public func epsilon(rho: Double) -> Double { PrivacyAccountant.epsilon(rho: rho, delta: delta) }

    /// Whether an update more would exceed the budget.
    public func isSpent(rho: Double) -> Bool { budget.map { epsilon(rho: rho + self.rho) > $0 } ?? false }

    /// Clips and noises an update. Which prompts a client's images picked reveals something of them too, so the result
    /// holds every prompt of the base, also those that the client left alone.
    ///
    /// - Parameters:
    ///   - parameters: what the update would hold.
    ///   - promptIDs: of its rows of `prompts`.
    ///   - base: the state that the client started from.
    ///   - normal: draws from the standard normal distribution.
    /// - Throws: `PrivacyError` for a tensor that the base does not have in this shape, or values that are not finite.
    public func protect(
        _ parameters: Parameters, promptIDs: [PromptID], base: PromptState, normal: () -> Double
    ) throws(PrivacyError) -> (parameters: Parameters, promptIDs: [PromptID]) {
        var whole = parameters
        whole[Parameters.prompts] = try Self.allPrompts(of: base, with: parameters[Parameters.prompts], promptIDs)
        var squares = 0.0
        for entry in whole.entries {
            guard let origin = base.parameters[entry.name], origin.shape == entry.tensor.shape else {
                throw .uncovered(tensor: entry.name)
            }
            for (value, start) in zip(entry.tensor.values, origin.values) {
                squares += (Double(value) - Double(start)) * (Double(value) - Double(start))
            }
        }
        guard squares.isFinite else { throw .notFinite }
        let scale = min(1, clipNorm / squares.squareRoot())
        let deviation = noiseMultiplier * clipNorm
        for entry in whole.entries {
            let origin = base.parameters[entry.name]!
            whole[entry.name]!.values = zip(entry.tensor.values, origin.values).map { value, start in
                Float(Double(start) + scale * (Double(value) - Double(start)) + deviation * normal())
            }
        }
        return (whole, base.promptIDs)
    }

    /// The base's prompts, those that the client changed in their new values.
    private static func allPrompts(
        of base: PromptState, with changed: Tensor?, _ promptIDs: [PromptID]
    ) throws(PrivacyError) -> Tensor {
        guard let changed, changed.shape == [promptIDs.count, base.width] else {
            throw .uncovered(tensor: Parameters.prompts)
        }
        var prompts = base.prompts
        let width = base.width
        let places = RowIndex(base.promptIDs)
        for (row, id) in promptIDs.enumerated() {
            guard let place = places[id] else { throw .uncovered(tensor: Parameters.prompts) }
            prompts.values.replaceSubrange(
                place * width..<(place + 1) * width, with: changed.values[row * width..<(row + 1) * width])
        }
        return prompts
    }

    /// Why a client under this plan would send what noise cannot cover; nil where all that it sends is covered.
    public static func obstacle(to plan: TrainingPlan) -> String? {
        if plan.classMeans { return "it sends class means and counts, which start from nothing published" }
        if plan.controlVariates { return "it sends control variates, which reveal each step's gradients" }
        return plan.personal == .everything ? "its clients send nothing" : nil
    }
}

/// Why an update cannot be made private.
public enum PrivacyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The published state has no such tensor of this shape, so what the update changed of it is not known.
    case uncovered(tensor: String)
    case notFinite

    public var description: String {
        switch self {
        case .uncovered(let tensor):
            "privacy: expected to find '\(tensor)' in the state that the task started from, in the same shape"
        case .notFinite: "privacy: expected an update of finite values"
        }
    }
}
