import Federation
import RunLog
import RunSettings

extension ModelDescription {
    /// What the clients of a run must have in common, so that their updates mean the same.
    package var specification: ModelSpecification {
        let fields = fields.map { ModelSpecification.Field($0.name, $0.value) }
        // Each name and value is preceded by its length, so that no two lists give the same bytes.
        let bytes = fields.flatMap { [$0.name, $0.value] }.flatMap { "\($0.utf8.count):\($0)".utf8 }
        return ModelSpecification(fields: fields, digest: "\(Digest(of: bytes))")
    }
}
