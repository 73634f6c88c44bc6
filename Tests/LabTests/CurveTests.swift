import Federation
import Foundation
import Lab
import RunLog
import RunSettings
import TestSupport
import Testing

/// A run's curves, read back by the tools that they are for.
@Suite(
    .serialized,
    .enabled(if: python != nil, "IMPROMPTU_PYTHON names no Python with tensorboard and mlflow-skinny"))
struct CurveTests {
    private struct Found: Decodable {
        /// By name: version, time, value.
        var curves: [String: [[Double]]]
        var parameters: [String: String]
        var text: String?
        var name: String?
        var status: String?
        var begin: Double?
        var end: Double?
    }

    private func read(_ kind: String, _ path: String) throws -> Found {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: try #require(python))
        process.arguments = ["-B", "Tests/Interop/read_curves.py", kind, path]
        process.standardOutput = output
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return try JSONDecoder().decode(Found.self, from: bytes)
    }

    private static func seconds(_ time: Timestamp) -> Double { Double(time.nanoseconds) / 1e9 }

    @Test func tensorBoardReadsThem() throws {
        try withTemporaryFolder { folder in
            let run = try simulateSmallRun("\(folder)/first")
            let curves = try ExportedCurves(log: run.log)
            let file = try TensorBoardExport.write(curves, to: "\(folder)/curves")
            #expect(file.hasPrefix("\(folder)/curves/first/events.out.tfevents."))
            let found = try read("tensorboard", "\(folder)/curves/first")
            #expect(Set(found.curves.keys) == Set(curves.curves.keys))
            for (name, points) in curves.curves {
                #expect(found.curves[name]!.map { Int($0[0]) } == points.map(\.version), "\(name)")
                #expect(found.curves[name]!.map { $0[1] } == points.map { Self.seconds($0.time) }, "\(name)")
                #expect(found.curves[name]!.map { Float($0[2]) } == points.map { Float($0.value) }, "\(name)")
            }
            #expect(Set(found.parameters.keys) == Set(curves.parameters.map(\.key)))
            #expect(found.parameters["prompts.pool"] == "6.0")
            #expect(try #require(found.text).contains("| prompts.pool | 6 |"))
        }
    }

    @Test func mlflowReadsThem() throws {
        try withTemporaryFolder { folder in
            let run = try simulateSmallRun("\(folder)/first")
            let curves = try ExportedCurves(log: run.log)
            for _ in 0..<2 { _ = try MLflowExport.write(curves, to: "\(folder)/mlruns") }
            let found = try read("mlflow", "\(folder)/mlruns")
            #expect(Set(found.curves.keys) == Set(curves.curves.keys))
            for (name, points) in curves.curves {
                #expect(found.curves[name]!.map { Int($0[0]) } == points.map(\.version), "\(name)")
                #expect(
                    found.curves[name]!.map { Int64($0[1]) } == points.map { $0.time.nanoseconds / 1_000_000 },
                    "\(name)")
                #expect(found.curves[name]!.map { $0[2] } == points.map(\.value), "\(name)")
            }
            #expect(
                found.parameters
                    == Dictionary(uniqueKeysWithValues: curves.parameters.map { ($0.key, $0.value) }))
            #expect(found.name == "first" && found.status == "FINISHED")
            #expect(found.begin == Double(curves.begin.nanoseconds / 1_000_000))
            #expect(found.end == Double(curves.end.nanoseconds / 1_000_000))
        }
    }

    /// What is drawn is what the tables say.
    @Test func curvesAgreeWithTheTables() throws {
        try withTemporaryFolder { folder in
            let run = try simulateSmallRun("\(folder)/first")
            let curves = try ExportedCurves(log: run.log)
            _ = try RunExport.write(log: run.log, to: "\(folder)/tables")
            let rows = try String(contentsOfFile: "\(folder)/tables/evaluations.csv", encoding: .utf8)
                .split(separator: "\n").dropFirst().map { $0.split(separator: ",").map { Double($0)! } }
            #expect(!rows.isEmpty)
            #expect(curves.curves["accuracy/validation"]!.map(\.value) == rows.map { $0[3] })
            #expect(curves.curves["accuracy/validation"]!.map { Double($0.version) } == rows.map { $0[0] })
            let versions = try RunInspection(log: run.log).versions
            #expect(curves.curves["staleness/mean"]!.map(\.value) == versions.map(\.meanStaleness))
            #expect(curves.curves["pool/prompts"]!.map(\.value) == versions.map { Double($0.pool) })
            #expect(curves.finished && curves.name == "first")
        }
    }
}
