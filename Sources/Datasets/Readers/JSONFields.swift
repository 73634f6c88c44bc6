import Foundation

/// The texts and whole numbers among the fields of a JSON object.
struct JSONFields {
    private enum Value: Decodable {
        case text(String)
        case number(Int)
        case null
        /// In words.
        case other(String)

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let text = try? value.decode(String.self) {
                self = .text(text)
            } else if let number = try? value.decode(Int.self) {
                self = .number(number)
            } else if value.decodeNil() {
                self = .null
            } else if let flag = try? value.decode(Bool.self) {
                self = .other("\(flag)")
            } else if let number = try? value.decode(Double.self) {
                self = .other("\(number)")
            } else if (try? decoder.unkeyedContainer()) != nil {
                self = .other("a list")
            } else if (try? decoder.container(keyedBy: AnyKey.self)) != nil {
                self = .other("an object")
            } else {
                // JSON's escapes can name half of a surrogate pair, which no text holds.
                self = .other("a text with an escape that is no character, such as \\ud800 alone")
            }
        }
    }

    private struct AnyKey: CodingKey {
        let stringValue: String
        let intValue: Int? = nil
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private let fields: [String: Value]
    /// Those that the object has more than once.
    private let repeated: Set<String>

    /// nil for what is no JSON object.
    init?(_ text: String) {
        guard let fields = try? JSONDecoder().decode([String: Value].self, from: Data(text.utf8)) else { return nil }
        self.fields = fields
        repeated = Self.repeated(in: Array(text.utf8))
    }

    /// The names that an object gives more than once; a decoder keeps one of their values.
    /// - Parameter json: an object whose JSON is right.
    private static func repeated(in json: [UInt8]) -> Set<String> {
        var (names, repeated): (Set<String>, Set<String>) = ([], [])
        var depth = 0
        var place = 0
        while place < json.count {
            switch json[place] {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "\""):
                let start = place
                place += 1
                while json[place] != UInt8(ascii: "\"") { place += json[place] == UInt8(ascii: "\\") ? 2 : 1 }
                let isName = depth == 1 && json[(place + 1)...].first { !isBlank($0) } == UInt8(ascii: ":")
                if isName, let name = try? JSONDecoder().decode(String.self, from: Data(json[start...place])),
                    !names.insert(name).inserted
                {
                    repeated.insert(name)
                }
            default: break
            }
            place += 1
        }
        return repeated
    }

    private static func isBlank(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0a, 0x0d].contains(byte) }

    subscript(_ name: String) -> String? {
        switch fields[name] {
        case .text(let text): text
        case .number(let number): "\(number)"
        case .null, .other, nil: nil
        }
    }

    /// What a field holds that is no single text, no whole number and not null, in words.
    func misfit(_ name: String) -> String? {
        if repeated.contains(name) { return "the field more than once" }
        guard case .other(let found) = fields[name] else { return nil }
        return found
    }
}
