/// What a run configuration says about its strategy: keys and texts in the order given.
public struct StrategySettings: Hashable, Sendable {
    /// One key and its value, both as written.
    public struct Entry: Hashable, Sendable {
        public var key: String
        public var value: String
        public init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    public var entries: [Entry]

    public init(_ entries: [Entry] = []) { self.entries = entries }

    public init(_ pairs: [(key: String, value: String)]) {
        entries = pairs.map { Entry(key: $0.key, value: $0.value) }
    }

    /// Checks every entry against the declarations and fills in the defaults.
    func checked(
        against declarations: [SettingDeclaration], of strategy: String
    ) throws(StrategyError) -> CheckedSettings {
        var values = declarations.map { $0.kind.standard }
        var given = [Bool](repeating: false, count: declarations.count)
        for entry in entries {
            guard let place = declarations.firstIndex(where: { $0.key == entry.key }) else {
                throw .unknownKey(strategy: strategy, key: entry.key, known: declarations.map(\.key))
            }
            guard !given[place] else { throw .repeatedKey(strategy: strategy, key: entry.key) }
            guard let value = declarations[place].kind.parse(entry.value) else {
                throw .wrongValue(
                    strategy: strategy, key: entry.key, expected: declarations[place].expected, actual: entry.value)
            }
            values[place] = value
            given[place] = true
        }
        return CheckedSettings(keys: declarations.map(\.key), values: values)
    }
}

/// A setting that a strategy takes: its key, what values it may have, its default and a sentence of help.
public struct SettingDeclaration: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        case integer(standard: Int, range: ClosedRange<Int>)
        case number(standard: Double, range: ClosedRange<Double>)
        case choice(standard: String, among: [String])
        case flag(standard: Bool)
    }

    public let key: String
    public let help: String
    let kind: Kind

    /// The default, as it would be written in a configuration.
    public var standard: String {
        switch kind.standard {
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .text(let value): value
        case .flag(let value): "\(value)"
        }
    }

    /// What the value must be, as the end of a sentence.
    public var expected: String {
        switch kind {
        case .integer(_, let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .number(_, let range): "a number from \(range.lowerBound) to \(range.upperBound)"
        case .choice(_, let names): "one of \(names.joined(separator: ", "))"
        case .flag: "true or false"
        }
    }

    /// Whether a configuration may give it this value.
    package func accepts(_ text: String) -> Bool { kind.parse(text) != nil }

    static func integer(_ key: String, _ standard: Int, _ range: ClosedRange<Int>, _ help: String) -> Self {
        Self(key: key, help: help, kind: .integer(standard: standard, range: range))
    }

    static func number(_ key: String, _ standard: Double, _ range: ClosedRange<Double>, _ help: String) -> Self {
        Self(key: key, help: help, kind: .number(standard: standard, range: range))
    }

    static func choice(_ key: String, _ standard: String, _ names: [String], _ help: String) -> Self {
        Self(key: key, help: help, kind: .choice(standard: standard, among: names))
    }

    static func flag(_ key: String, _ standard: Bool, _ help: String) -> Self {
        Self(key: key, help: help, kind: .flag(standard: standard))
    }
}

/// The value of a setting after its check.
enum SettingValue: Hashable, Sendable {
    case integer(Int)
    case number(Double)
    case text(String)
    case flag(Bool)
}

extension SettingDeclaration.Kind {
    var standard: SettingValue {
        switch self {
        case .integer(let value, _): .integer(value)
        case .number(let value, _): .number(value)
        case .choice(let value, _): .text(value)
        case .flag(let value): .flag(value)
        }
    }

    /// The value that a text means, nil when it is not one that is allowed.
    func parse(_ text: String) -> SettingValue? {
        switch self {
        case .integer(_, let range): Int(text).flatMap { range.contains($0) ? .integer($0) : nil }
        case .number(_, let range): Double(text).flatMap { range.contains($0) ? .number($0) : nil }
        case .choice(_, let names): names.contains(text) ? .text(text) : nil
        case .flag: Bool(text).map { .flag($0) }
        }
    }
}

/// The settings of one strategy, each checked against its declaration.
///
/// A strategy asks only for keys that it declares, with the kind it declares; anything else is a mistake in the strategy.
struct CheckedSettings: Hashable, Sendable {
    let keys: [String]
    let values: [SettingValue]

    private func value(_ key: String) -> SettingValue {
        guard let place = keys.firstIndex(of: key) else { preconditionFailure("setting '\(key)' is not declared") }
        return values[place]
    }

    func integer(_ key: String) -> Int {
        guard case .integer(let value) = value(key) else { preconditionFailure("setting '\(key)' is no integer") }
        return value
    }

    func number(_ key: String) -> Double {
        guard case .number(let value) = value(key) else { preconditionFailure("setting '\(key)' is no number") }
        return value
    }

    func text(_ key: String) -> String {
        guard case .text(let value) = value(key) else { preconditionFailure("setting '\(key)' is no choice") }
        return value
    }

    func flag(_ key: String) -> Bool {
        guard case .flag(let value) = value(key) else { preconditionFailure("setting '\(key)' is no flag") }
        return value
    }
}
