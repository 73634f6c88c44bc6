import Console
import Text

/// Prints values as JSON lines: each on a line of its own, with sorted keys, under the kind of thing that it is.
struct JSONLines {
    private struct Line<Value: Encodable>: Encodable {
        var kind: String
        var value: Value

        enum Key: String, CodingKey { case kind }

        /// The value's own keys, and `kind` among them.
        func encode(to encoder: any Encoder) throws {
            try value.encode(to: encoder)
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(kind, forKey: .kind)
        }
    }

    func write(_ kind: String, _ value: some Encodable) throws {
        try StandardOutput.write(Line(kind: kind, value: value).json())
    }
}
