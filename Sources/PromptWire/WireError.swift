/// Why bytes are no message: where, what was expected, and what came.
public struct WireError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The path of the field, for example `update.tensors[2].data`; `message` for the bytes as a whole.
    public let field: String
    /// What was expected there and what came.
    public let problem: String

    public init(field: String, problem: String) {
        self.field = field
        self.problem = problem
    }

    public var description: String { "\(field): \(problem)" }
}
