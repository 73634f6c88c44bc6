/// Why a strategy could not be made.
public enum StrategyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// No strategy has that name.
    case unknownStrategy(name: String, known: [String])
    /// The strategy has no such key.
    case unknownKey(strategy: String, key: String, known: [String])
    /// The key is given more than once.
    case repeatedKey(strategy: String, key: String)
    /// The key's value is not what its declaration expects.
    case wrongValue(strategy: String, key: String, expected: String, actual: String)
    /// The strategy cannot start from that state.
    case unfitState(strategy: String, expected: String, actual: String)

    public var description: String {
        switch self {
        case .unknownStrategy(let name, let known):
            "unknown strategy '\(name)': expected one of \(known.joined(separator: ", "))"
        case .unknownKey(let strategy, let key, let known) where known.isEmpty:
            "strategy '\(strategy)' has no setting '\(key)': it takes none"
        case .unknownKey(let strategy, let key, let known):
            "strategy '\(strategy)' has no setting '\(key)': expected one of \(known.joined(separator: ", "))"
        case .repeatedKey(let strategy, let key):
            "strategy '\(strategy)': setting '\(key)' is given twice: expected it at most once"
        case .wrongValue(let strategy, let key, let expected, let actual):
            "strategy '\(strategy)': setting '\(key)' must be \(expected), but is '\(actual)'"
        case .unfitState(let strategy, let expected, let actual):
            "strategy '\(strategy)' must start from \(expected), but the initial state has \(actual)"
        }
    }
}
