import Foundation
import Testing

/// The documents name commands, options and keys that there are, and every command and key is in them.
@Suite struct DocumentTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func documents() throws -> [(name: String, text: String)] {
        let folder = root.appending(path: "docs")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".md") }
        return try (names.map { "docs/\($0)" } + ["README.md", "CONTRIBUTING.md"]).sorted().map {
            ($0, try String(contentsOf: root.appending(path: $0), encoding: .utf8))
        }
    }

    /// A document's code: its lines between fences, and what stands in backticks elsewhere.
    private static func code(_ text: String) -> [String] {
        var isCode = false
        var found: [String] = []
        var prose = ""
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                isCode.toggle()
            } else if isCode {
                found.append(String(line))
            } else {
                prose += line + " "
            }
        }
        return found
            + prose.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset % 2 == 1 }.map { String($0.element) }
    }

    // MARK: Commands

    @Test func everyCommandAndOptionOfTheDocumentsExists() throws {
        let commands = try CommandTree.visible().mapValues { Set($0.arguments.flatMap(\.names).map(\.text)) }
        for (name, text) in try Self.documents() {
            for line in Self.code(text) {
                let commandsAlone = line.split(separator: " && ").first { $0.contains("impromptu ") } ?? ""
                for call in commandsAlone.split(separator: "impromptu ", omittingEmptySubsequences: false).dropFirst()
                where !call.hasPrefix(" ") {
                    let words = call.split(separator: " ").prefix { !$0.hasPrefix("-") }.map(String.init)
                    guard let first = words.first, first.allSatisfy({ $0.isLowercase && $0.isASCII }) else { continue }
                    guard first != "help" else { continue }
                    let two = words.prefix(2).joined(separator: " ")
                    guard let options = commands[two] ?? commands[first] else {
                        // A word of prose: "impromptu demo" is a command, "impromptu and" in a comment is none.
                        if line.hasPrefix("impromptu ") { Issue.record("\(name): no command '\(first)' in: \(line)") }
                        continue
                    }
                    for word in call.split(whereSeparator: { " ,;()'\"[]=".contains($0) })
                    where word.hasPrefix("-") && word.count > 1 {
                        #expect(options.contains(String(word)), "\(name): \(first) has no \(word), in: \(line)")
                    }
                }
            }
        }
    }

    @Test func everyCommandIsInTheDocuments() throws {
        let code = try Self.documents().flatMap { Self.code($0.text) }.joined(separator: "\n")
        for command in try CommandTree.visible().keys where command != "bench" {
            let last = command.split(separator: " ").last!
            #expect(code.contains("impromptu \(command)") || code.contains("bench \(last)"), "impromptu \(command)")
        }
    }

    // MARK: Keys

    private static func printed() throws -> String { try Program.run(["config", "show"]).output }

    /// All keys of the configuration, the settings of all strategies among them.
    private static func keys() throws -> Set<String> {
        var keys: Set<String> = ["worker.clients"]
        var section = ""
        for line in try printed().split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard let key = words.first(where: { $0 != "#" }), key.hasSuffix(":") else { continue }
            if !line.hasPrefix(" ") {
                section = String(key.dropLast())
            } else {
                keys.insert("\(section).\(key.dropLast())")
            }
        }
        return keys
    }

    /// These pages also name tensors and fields of a model's description.
    private static let ofOtherNames: Set<String> = ["docs/model.md", "docs/wire-and-log.md"]

    @Test func everyKeyOfTheDocumentsExists() throws {
        let keys = try Self.keys()
        let sections = Set(keys.map { $0.prefix { $0 != "." } })
        #expect(keys.count > 80 && sections.count > 10)
        let files: Set<String> = [
            "mcap", "yaml", "csv", "json", "svg", "html", "md", "safetensors", "personal", "privacy", "txt", "counts",
            "means", "mean", "whitening", "weight", "bias", "hidden", "common", "pth", "sbatch", "prepare", "key",
            "health",
        ]
        for (name, text) in try Self.documents() where !Self.ofOtherNames.contains(name) {
            for code in Self.code(text) {
                for match in code.matches(of: #/(?:^|[^\w./-])([a-z]+)\.([a-z][a-z_-]*)(?![\w/(.])/#) {
                    guard sections.contains(match.1), !files.contains(String(match.2)) else { continue }
                    let key = "\(match.1).\(match.2)"
                    let isGroup = keys.contains { $0.hasPrefix(key) }
                    #expect(keys.contains(key) || isGroup, "\(name): no key \(key), in: \(code)")
                }
            }
        }
    }

    @Test func theReferenceIsWhatConfigShowPrints() throws {
        let reference = try String(contentsOf: Self.root.appending(path: "docs/configuration.md"), encoding: .utf8)
        let blocks = reference.components(separatedBy: "```yaml\n")
        #expect(blocks.count == 2)
        let block = blocks.last?.components(separatedBy: "```\n").first
        #expect(
            try block == Self.printed(),
            "docs/configuration.md: put the output of 'impromptu config show' between the fences")
    }
}
