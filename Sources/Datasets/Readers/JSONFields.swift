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
            } else {
                self = .other((try? decoder.unkeyedContainer()) == nil ? "an object" : "a list")
            }
        }
    }
    private let fields: [String: Value]

    /// nil for what is no JSON object.
    init?(_ text: String) {
        guard let fields = try? JSONDecoder().decode([String: Value].self, from: Data(text.utf8)) else { return nil }
        self.fields = fields
    }

    subscript(_ name: String) -> String? {
        switch fields[name] {
        case .text(let text): text
        case .number(let number): "\(number)"
        case .null, .other, nil: nil
        }
    }

    /// What a field holds that is no text, no whole number and not null, in words.
    func misfit(_ name: String) -> String? {
        guard case .other(let found) = fields[name] else { return nil }
        return found
    }
}
