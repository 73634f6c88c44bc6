import Foundation

/// The program's commands, as its argument parser describes them.
enum CommandTree {
    struct Command: Decodable {
        var commandName: String
        var shouldDisplay: Bool?
        var discussion: String?
        var subcommands: [Command]?
        private var given: [Argument]?

        /// Without those that each command has from the parser.
        var arguments: [Argument] {
            (given ?? []).filter { !$0.names.contains { ["--help", "--version"].contains($0.text) } }
        }

        private enum CodingKeys: String, CodingKey {
            case commandName, shouldDisplay, discussion, subcommands
            case given = "arguments"
        }
    }

    struct Argument: Decodable {
        struct Name: Decodable {
            var kind: String
            var name: String

            /// As it is typed.
            var text: String { (kind == "short" ? "-" : "--") + name }
        }
        var kind: String
        var abstract: String?
        var valueName: String?
        private var given: [Name]?
        private var completionKind: [String: Ignored]?

        /// What a shell completes its value with: file, directory, list.
        var completions: Set<String> { Set((completionKind ?? [:]).keys) }
        var names: [Name] { given ?? [] }
        var short: [String] { names.filter { $0.kind == "short" }.map(\.text) }
        var long: [String] { names.filter { $0.kind != "short" }.map(\.text) }

        private enum CodingKeys: String, CodingKey {
            case kind, abstract, valueName, completionKind
            case given = "names"
        }
    }

    private struct Dump: Decodable { var command: Command }

    /// A value whose key alone counts.
    private struct Ignored: Decodable {
        init(from _: any Decoder) {}
    }

    /// Those that the help shows, by their words, such as `bench tuning`.
    static func visible() throws -> [String: Command] {
        let dump = try Program.run(["--experimental-dump-help"]).output
        let root = try JSONDecoder().decode(Dump.self, from: Data(dump.utf8)).command
        var commands: [String: Command] = [:]
        func add(_ command: Command, below words: String) {
            let words = words.isEmpty ? command.commandName : "\(words) \(command.commandName)"
            if command.shouldDisplay ?? true { commands[words] = command }
            for inner in command.subcommands ?? [] { add(inner, below: words) }
        }
        for command in root.subcommands ?? [] where command.commandName != "help" { add(command, below: "") }
        return commands
    }
}
