/// The identity of a prompt in the pool. It stays with the prompt for as long as it lives and is never given again.
public typealias PromptID = UInt64

/// What the federation tunes together: the prompt pool and whatever is averaged beside it (head, key projection).
public struct PromptState: Hashable, Sendable {
    /// The most prompts that a pool may have: as many as a message can hold.
    public static let largestPool = 65_536

    /// Holds at least `Parameters.prompts` of shape [pool, width].
    public var parameters: Parameters
    /// The identity of each row of the pool, in the order of the rows.
    public var promptIDs: [PromptID]

    /// - Precondition: `parameters` holds a matrix of prompts with one row for each identity.
    public init(parameters: Parameters, promptIDs: [PromptID]) {
        precondition(
            parameters[Parameters.prompts].map { $0.shape.count == 2 && $0.rows == promptIDs.count } ?? false,
            "a prompt state needs a matrix of prompts with one row an identity")
        self.parameters = parameters
        self.promptIDs = promptIDs
    }

    /// The prompt pool: [pool, width].
    public var prompts: Tensor { parameters[Parameters.prompts]! }
    public var width: Int { prompts.shape[1] }
}

extension PromptState {
    /// Puts another pool in the place of the present one.
    mutating func replacePool(rows: [Float], identities: [PromptID]) {
        var parameters = parameters
        parameters[Parameters.prompts] = Tensor(shape: [identities.count, width], values: rows)
        self = PromptState(parameters: parameters, promptIDs: identities)
    }
}
