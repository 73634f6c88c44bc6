/// What all clients of a run must have in common, so that their updates mean the same: class names in order, modality,
/// input transform, encoder, prompt geometry, selection, head. What the fields are is the shell's business; here they are
/// compared.
public struct ModelSpecification: Hashable, Sendable {
    /// One property that all clients must have in common.
    public struct Field: Hashable, Sendable {
        /// Unique, for example `classes[3]` or `encoder`.
        public var name: String
        public var value: String
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// In an order that is the same everywhere; none where nothing is asked or said.
    public var fields: [Field]
    /// Hash of the fields in hexadecimal, worked out by the shell; empty without fields.
    public var digest: String

    public init(fields: [Field] = [], digest: String = "") {
        self.fields = fields
        self.digest = digest
    }

    /// The first difference from what is expected, nil for none. A side that says nothing differs in nothing.
    package func difference(from expected: ModelSpecification) -> String? {
        if fields.isEmpty || expected.fields.isEmpty { return nil }
        func lacking(_ field: Field) -> String { "expected the field \(field.name) '\(field.value)', found none" }
        func further(_ field: Field) -> String { "expected no field \(field.name), found '\(field.value)'" }
        let all = expected.fields
        for (expected, field) in zip(all, fields) where expected != field {
            guard expected.name == field.name else {
                return all.contains { $0.name == field.name } ? lacking(expected) : further(field)
            }
            return "\(field.name): expected '\(expected.value)', found '\(field.value)'"
        }
        if let missing = all.dropFirst(fields.count).first { return lacking(missing) }
        if let more = fields.dropFirst(all.count).first { return further(more) }
        return digest == expected.digest
            ? nil : "expected the model specification \(expected.digest), found \(digest) with the same fields"
    }
}
