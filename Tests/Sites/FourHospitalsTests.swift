import Foundation
import RunLog
import TestSupport
import Testing

/// The tutorial docs/four-hospitals.md: its commands run as they stand there, and print what it says.
@Suite(.serialized) struct FourHospitalsTests {
    /// Commands, and the lines that they print among others; `…` stands for anything.
    private struct Step {
        var commands: String
        var expected: [String] = []
    }

    private static func steps() throws -> [Step] {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "../../docs/four-hospitals.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        var steps: [Step] = []
        for part in text.components(separatedBy: "\n```").dropFirst() {
            let lines = part.split(separator: "\n", maxSplits: 1).map(String.init)
            guard lines.count == 2 else { continue }
            if lines[0] == "sh" { steps.append(Step(commands: lines[1])) }
            if lines[0] == "text" { steps[steps.count - 1].expected = lines[1].components(separatedBy: "\n") }
        }
        return steps
    }

    @Test func theTutorialRunsAsItStands() async throws {
        try await inTemporaryFolder { path in
            let steps = try Self.steps()
            #expect(steps.count == 11)
            let script = steps.enumerated().map { "{\n\($1.commands)\n} >step-\($0).txt 2>&1" }.joined(separator: "\n")
            let programs = URL(fileURLWithPath: LiveProcess.program).deletingLastPathComponent().path
            // Whatever fails ends all that was begun.
            let process = try LiveProcess(
                "/bin/bash",
                ["-c", "set -eu\nPATH=\(programs):$PATH\ntrap 'kill $(jobs -p) 2>/dev/null || :' EXIT\n" + script],
                log: path + "/script.txt", directory: path)
            let code = try await process.exitCode(within: 150)
            let outputs = steps.indices.map {
                (try? String(contentsOfFile: "\(path)/step-\($0).txt", encoding: .utf8)) ?? ""
            }
            #expect(code == 0, "\(process.output)\n\(outputs.joined(separator: "\n---\n"))")
            for (step, output) in zip(steps, outputs) {
                for line in step.expected {
                    #expect(Self.contains(output, line), "expected: \(line)\nfound: \(output)")
                }
            }
        }
    }

    private static func contains(_ output: String, _ line: String) -> Bool {
        let pattern = line.components(separatedBy: "…").map(NSRegularExpression.escapedPattern).joined(separator: ".*")
        return output.range(of: "(?m)^\(pattern)$", options: .regularExpression) != nil
    }
}
