/// What is known of each rule so far.
struct RuleBook {
    private var kept: [ClientRule: String] = [:]
    private var broken: [ClientRule: [String]] = [:]
    private var untried: [ClientRule: String] = [:]

    /// Notes that a rule was tried and kept.
    mutating func keep(_ rule: ClientRule, _ seen: String) {
        if kept[rule] == nil { kept[rule] = seen }
    }

    /// Notes that a rule was broken; the same words count once.
    mutating func breach(_ rule: ClientRule, _ seen: String) {
        if broken[rule]?.contains(seen) != true { broken[rule, default: []].append(seen) }
    }

    /// Notes why a rule could not be tried.
    mutating func skip(_ rule: ClientRule, _ why: String) {
        if untried[rule] == nil { untried[rule] = why }
    }

    func firstBreach(of rules: [ClientRule]) -> String? { rules.compactMap { broken[$0]?.first }.first }

    func isBroken(_ rule: ClientRule) -> Bool { broken[rule] != nil }

    func findings(of rules: [ClientRule]) -> [RuleFinding] {
        rules.map { rule in
            if let breaches = broken[rule] {
                let more = breaches.count > 1 ? " (and \(breaches.count - 1) more)" : ""
                return RuleFinding(rule: rule, outcome: .broken, seen: breaches[0] + more)
            }
            if let seen = kept[rule] { return RuleFinding(rule: rule, outcome: .kept, seen: seen) }
            return RuleFinding(rule: rule, outcome: .untried, seen: untried[rule] ?? "nothing that came shows it")
        }
    }
}

/// What became of one rule.
public struct RuleFinding: Encodable, Sendable {
    public enum Outcome: String, Encodable, Sendable {
        case kept, broken
        case untried = "not tried"
    }
    public let rule: ClientRule
    public let outcome: Outcome
    /// What was seen of it, or why it was not tried.
    public let seen: String

    enum CodingKeys: String, CodingKey { case rule, title, outcome, seen }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(rule.number, forKey: .rule)
        try container.encode(rule.title, forKey: .title)
        try container.encode(outcome, forKey: .outcome)
        try container.encode(seen, forKey: .seen)
    }
}

/// A client broke rules.
public struct RulesBroken: Error, CustomStringConvertible, Equatable {
    public let rules: [ClientRule]
    public init(rules: [ClientRule]) { self.rules = rules }
    public var description: String { "the client broke \(rules.map(\.number).joined(separator: ", "))" }
}

/// A check cannot start, or cannot continue.
public struct ClientCheckError: Error, CustomStringConvertible, Equatable {
    public let description: String
    init(_ description: String) { self.description = description }
}
