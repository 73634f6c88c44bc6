/// Comma-separated values (RFC 4180).
package enum CSV {
    /// One line without its end: a field with a comma, a quote or a line's end stands in quotes.
    package static func row(_ fields: [String]) -> String {
        fields.map { field in
            field.contains { $0 == "," || $0 == "\"" || $0.isNewline }
                ? "\"" + field.replacing("\"", with: "\"\"") + "\"" : field
        }.joined(separator: ",")
    }
}
