import Federation
import Foundation
import PromptAggregation
import Testing

/// Scenarios as text: what happens to an aggregator and what it wants done. `IMPROMPTU_REWRITE=1` writes what comes out
/// into the files, to be reviewed as a difference.
@Suite struct ScenarioTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Scenarios")
    static let names = try! FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".txt") }
        .sorted()

    @Test(arguments: names) func goesAsWritten(_ name: String) throws {
        let file = Self.folder.appending(path: name)
        let written = try String(contentsOf: file, encoding: .utf8)
        let found = try Scenario.play(written)
        if ProcessInfo.processInfo.environment["IMPROMPTU_REWRITE"] == "1" {
            return try found.write(to: file, atomically: true, encoding: .utf8)
        }
        let (expected, actual) = (written.split(separator: "\n"), found.split(separator: "\n"))
        if let place = (0..<max(expected.count, actual.count)).first(where: {
            expected.dropFirst($0).first != actual.dropFirst($0).first
        }) {
            Issue.record(
                """
                \(name): expected '\(expected.dropFirst(place).first ?? "the end")', \
                found '\(actual.dropFirst(place).first ?? "the end")'
                """)
        }
    }

    @Test func thereAreScenarios() { #expect(Self.names.count >= 15) }
}
