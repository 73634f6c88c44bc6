import Federation
import Files
import RunLog

/// A run for TensorBoard: scalars by version and wall time, the configuration as hyperparameters and as text.
public enum TensorBoardExport {
    /// Writes `DIR/<run>/events.out.tfevents.<begin>.impromptu`, in place of one that an earlier export of the run left.
    /// - Returns: the path of the file.
    /// - Throws: `RunFolderError`.
    public static func write(_ curves: ExportedCurves, to folder: String) throws -> String {
        let target = RunFolder(path: "\(folder)/\(curves.name)")
        try target.create()
        let file = "\(target.path)/events.out.tfevents.\(curves.begin.nanoseconds / 1_000_000_000).impromptu"
        do {
            try AtomicFile.replace(file, with: records(of: curves).bytes)
        } catch {
            throw RunFolderError("\(file): cannot write: \(error.reason)")
        }
        return file
    }

    private static func records(of curves: ExportedCurves) -> EventRecords {
        var records = EventRecords()
        func add(_ time: Timestamp, _ version: Int, _ build: (inout ProtobufBytes) -> Void) {
            var event = ProtobufBytes()
            event.add(1, Double(time.nanoseconds) / 1e9)
            event.add(2, version)
            build(&event)
            records.add(event.bytes)
        }
        add(curves.begin, 0) { $0.add(3, "brain.Event:2") }
        add(curves.begin, 0) { $0.add(5) { $0.add(1) { addHyperparameters(of: curves, to: &$0) } } }
        add(curves.begin, 0) { $0.add(5) { $0.add(1) { addText(of: curves, to: &$0) } } }
        let points = curves.curves.flatMap { name, points in points.map { (name, $0) } }
        for (name, point) in points.sorted(by: { ($0.1.time, $0.1.version, $0.0) < ($1.1.time, $1.1.version, $1.0) }) {
            add(point.time, point.version) { event in
                event.add(5) { summary in
                    summary.add(1) { value in
                        value.add(1, name)
                        value.add(2, Float(point.value))
                    }
                }
            }
        }
        return records
    }

    /// What marks a summary value as a plugin's: `SummaryMetadata` with its name and content.
    private static func addMetadata(
        to value: inout ProtobufBytes, plugin: String, content: (inout ProtobufBytes) -> Void = { _ in }
    ) {
        value.add(9) { metadata in
            metadata.add(1) { data in
                data.add(1, plugin)
                data.add(2, content)
            }
        }
    }

    /// The plugin `hparams`: a `SessionStartInfo` with a value for each key.
    private static func addHyperparameters(of curves: ExportedCurves, to value: inout ProtobufBytes) {
        value.add(1, "_hparams_/session_start_info")
        addMetadata(to: &value, plugin: "hparams") { content in
            content.add(3) { session in
                for (key, setting) in curves.parameters {
                    session.add(1) { entry in
                        entry.add(1, key)
                        entry.add(2) { value in
                            switch (Double(setting), Bool(setting)) {
                            case (let number?, _): value.add(2, number)
                            case (_, let flag?): value.add(4, flag ? 1 : 0)
                            default: value.add(3, setting)
                            }
                        }
                    }
                }
                session.add(4, curves.id)
                session.add(5, Double(curves.begin.nanoseconds) / 1e9)
            }
        }
        addTensor(to: &value, type: 1) { $0.add(4) { _ in } }
    }

    /// The plugin `text`: a table in Markdown.
    private static func addText(of curves: ExportedCurves, to value: inout ProtobufBytes) {
        let rows = curves.parameters.map { "| \($0.key) | \($0.value.replacing("|", with: "\\|")) |" }
        value.add(1, "configuration")
        addMetadata(to: &value, plugin: "text")
        addTensor(to: &value, type: 7) { tensor in
            tensor.add(2) { _ in }
            tensor.add(8, (["| key | value |", "| --- | --- |"] + rows).joined(separator: "\n"))
        }
    }

    /// - Parameter type: `DataType`: 1 for float, 7 for text.
    private static func addTensor(to value: inout ProtobufBytes, type: Int, _ build: (inout ProtobufBytes) -> Void) {
        value.add(8) { tensor in
            tensor.add(1, type)
            build(&tensor)
        }
    }
}
