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

/// Bytes for a person: text in quotes where they are printable ASCII, else hexadecimal; at most 80 of them.
func shown(_ bytes: [UInt8]) -> String {
    let start = bytes.prefix(80)
    let more = bytes.count > start.count ? "…" : ""
    if start.allSatisfy({ (0x20..<0x7f).contains($0) }) {
        return "'\(String(decoding: start, as: UTF8.self))\(more)'"
    }
    let digits = start.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
    return "the bytes \(digits)\(more)"
}
