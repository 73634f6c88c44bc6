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

    private struct Command: Decodable {
        struct Argument: Decodable {
            struct Name: Decodable { var name: String }
            var names: [Name]?
        }
        var commandName: String
        var shouldDisplay: Bool?
        var subcommands: [Command]?
        var arguments: [Argument]?

        var options: Set<String> { Set((arguments ?? []).flatMap { $0.names ?? [] }.map(\.name)) }
    }
    private struct Dump: Decodable { var command: Command }

    /// The commands by their words, such as `bench tuning`, with their options.
    private static func commands() throws -> [String: Set<String>] {
        let dump = try Program.run(["--experimental-dump-help"]).output
        let root = try JSONDecoder().decode(Dump.self, from: Data(dump.utf8)).command
        var commands: [String: Set<String>] = [:]
        func add(_ command: Command, below words: String) {
            let words = words.isEmpty ? command.commandName : "\(words) \(command.commandName)"
            if command.shouldDisplay ?? true { commands[words] = command.options }
            for inner in command.subcommands ?? [] { add(inner, below: words) }
        }
        for command in root.subcommands ?? [] where command.commandName != "help" { add(command, below: "") }
        return commands
    }

    @Test func everyCommandAndOptionOfTheDocumentsExists() throws {
        let commands = try Self.commands()
        for (name, text) in try Self.documents() {
            for line in Self.code(text) {
                let commandsAlone = line.split(separator: " && ").first { $0.contains("impromptu ") } ?? ""
                for call in commandsAlone.split(separator: "impromptu ", omittingEmptySubsequences: false).dropFirst()
                where !call.hasPrefix(" ") {
                    let words = call.split(separator: " ").prefix { !$0.hasPrefix("--") }.map(String.init)
                    guard let first = words.first, first.allSatisfy({ $0.isLowercase && $0.isASCII }) else { continue }
                    guard first != "help" else { continue }
                    let two = words.prefix(2).joined(separator: " ")
                    guard let options = commands[two] ?? commands[first] else {
                        // A word of prose: "impromptu demo" is a command, "impromptu and" in a comment is none.
                        if line.hasPrefix("impromptu ") { Issue.record("\(name): no command '\(first)' in: \(line)") }
                        continue
                    }
                    for word in call.split(whereSeparator: { " ,;()'\"[]=".contains($0) }) where word.hasPrefix("--") {
                        let option = String(word.dropFirst(2))
                        #expect(options.contains(option), "\(name): \(first) has no --\(option), in: \(line)")
                    }
                }
            }
        }
    }

    @Test func everyCommandIsInTheDocuments() throws {
        let code = try Self.documents().flatMap { Self.code($0.text) }.joined(separator: "\n")
        for command in try Self.commands().keys where command != "bench" {
            let last = command.split(separator: " ").last!
            #expect(code.contains("impromptu \(command)") || code.contains("bench \(last)"), "impromptu \(command)")
        }
    }

    // MARK: Keys

    private static func printed() throws -> String { try Program.run(["aggregate", "--print-config"]).output }

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

    @Test func theReferenceIsWhatPrintConfigPrints() throws {
        let reference = try String(contentsOf: Self.root.appending(path: "docs/configuration.md"), encoding: .utf8)
        let blocks = reference.components(separatedBy: "```yaml\n")
        #expect(blocks.count == 2)
        let block = blocks.last?.components(separatedBy: "```\n").first
        #expect(
            try block == Self.printed(),
            "docs/configuration.md: put the output of 'impromptu aggregate --print-config' between the fences")
    }
}
