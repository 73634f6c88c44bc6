import Foundation

/// Comma-separated values (RFC 4180).
package enum CSV {
    /// One line without its end: a field with a comma, a quote or a line's end stands in quotes.
    package static func row(_ fields: [String]) -> String {
        fields.map { field in
            field.contains { $0 == "," || $0 == "\"" || $0.isNewline }
                ? "\"" + field.replacing("\"", with: "\"\"") + "\"" : field
        }.joined(separator: ",")
    }

    /// A header and a line for each row, with the fields that their JSON has, by name. What a row has no value for is
    /// empty; a value that is itself a list or an object is JSON.
    package static func lines(of rows: [some Encodable]) throws -> [String] {
        let rows = try rows.map { try JSONDecoder().decode([String: Field].self, from: Data($0.json().utf8)) }
        let names = Set(rows.flatMap(\.keys)).sorted()
        return [row(names)] + (try rows.map { fields in try row(names.map { try fields[$0]?.text() ?? "" }) })
    }

    /// A value of JSON.
    private enum Field: Codable {
        case nothing
        case flag(Bool)
        case integer(Int)
        case number(Double)
        case text(String)
        case list([Field])
        case object([String: Field])

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                self = .nothing
            } else if let flag = try? container.decode(Bool.self) {
                self = .flag(flag)
            } else if let integer = try? container.decode(Int.self) {
                self = .integer(integer)
            } else if let number = try? container.decode(Double.self) {
                self = .number(number)
            } else if let text = try? container.decode(String.self) {
                self = .text(text)
            } else if let list = try? container.decode([Field].self) {
                self = .list(list)
            } else {
                self = .object(try container.decode([String: Field].self))
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .nothing: try container.encodeNil()
            case .flag(let value): try container.encode(value)
            case .integer(let value): try container.encode(value)
            case .number(let value): try container.encode(value)
            case .text(let value): try container.encode(value)
            case .list(let value): try container.encode(value)
            case .object(let value): try container.encode(value)
            }
        }

        func text() throws -> String {
            switch self {
            case .nothing: ""
            case .flag(let value): "\(value)"
            case .integer(let value): "\(value)"
            case .number(let value): "\(value)"
            case .text(let value): value
            case .list, .object: try json()
            }
        }
    }
}
