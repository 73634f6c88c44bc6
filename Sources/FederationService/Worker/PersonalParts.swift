import Federation
import PromptAggregation

/// What a client keeps of its last task for the next one: tensors of its own, control variates, a descriptor.
package struct PersonalParts: Equatable, Sendable {
    package var run: UInt64
    /// The task that they come from.
    package var task: UInt64
    package var values: Parameters

    package init(run: UInt64, task: UInt64, values: Parameters) {
        self.run = run
        self.task = task
        self.values = values
    }

    private static let kind = "Personal parts"

    /// With a checksum.
    var bytes: [UInt8] {
        var writer = SnapshotWriter()
        writer.write(Self.kind)
        writer.write(run)
        writer.write(task)
        writer.write(values)
        return writer.finish()
    }

    /// - Throws: `SnapshotError` for bytes that are damaged or something else.
    init(_ bytes: [UInt8]) throws(SnapshotError) {
        var reader = try SnapshotReader(bytes)
        try reader.expect(Self.kind, "kind")
        run = try reader.word()
        task = try reader.word()
        values = try reader.parameters()
        try reader.finish()
    }
}
