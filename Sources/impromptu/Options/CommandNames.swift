import ArgumentParser
import Text

/// The names of commands as they stand on a command line.
enum CommandNames {
    /// What is wrong with the first word that should be a command and is none, also behind 'help'; nil where each is one.
    static func unknown(in arguments: ArraySlice<String>, below root: any ParsableCommand.Type) -> String? {
        var command = root
        var path = ""
        for word in arguments.first == "help" ? arguments.dropFirst() : arguments {
            let known = command.configuration.subcommands.filter { $0.configuration.shouldDisplay }
            guard !known.isEmpty, !word.hasPrefix("-"), word != "help" else { return nil }
            guard let next = known.first(where: { $0.configuration.commandName == word }) else {
                let names = known.compactMap { $0.configuration.commandName }
                let meant = suggestion(for: word, among: names)
                return command == root
                    ? "expected a command, found '\(word)'\(meant.isEmpty ? "; 'impromptu help' lists all" : meant)"
                    : "\(path): expected \(names.joined(separator: ", ")), found '\(word)'\(meant)"
            }
            command = next
            path += path.isEmpty ? word : " \(word)"
        }
        return nil
    }
}
