import ArgumentParser
import Console
import Files
import Foundation
import RunLog
import RunSettings
import Text

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Shows, checks and compares configurations.",
        discussion: """
            A configuration is a YAML file with sections and keys. The environment overrides the file \
            (IMPROMPTU_FEDERATION__BUFFER_SIZE=8), and --set federation.buffer_size=8 overrides both.

            All keys and their defaults:  impromptu config show
            The ones of a run:            impromptu config show runs/first
            Whether a file is right:      impromptu config check run.yaml
            What differs:                 impromptu config diff run.yaml runs/first
            """,
        subcommands: [ConfigShowCommand.self, ConfigCheckCommand.self, ConfigDiffCommand.self])
}

struct ConfigShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Prints all keys with value, default, range, unit and meaning.",
        discussion: "What it prints is a configuration file itself. JSON and CSV have a row for each key.")

    @OptionGroup var options: ConfigurationOptions

    @Argument(
        help: ArgumentHelp("A run folder, whose configuration to show.", valueName: "run"), completion: .directory)
    var folder: String?

    @OptionGroup var output: OutputOptions

    func run() throws {
        let configuration = try options.load(of: folder.map { try ConfigurationPlace.folder($0) })
        // The text ends its last line itself.
        if output.format == .table { return try StandardOutput.write(configuration.documentation, terminator: "") }
        try output.show(configuration.documentedKeys) { [] }
    }
}

struct ConfigCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Checks whether a configuration is right.",
        discussion: """
            Names an unknown key, a wrong value, or keys that contradict each other, and exits with 2. Data, weights and \
            ports are not looked at; 'impromptu check' does that.
            """)

    @Argument(
        help: ArgumentHelp("YAML files with settings, above those of --config.", valueName: "file"),
        completion: .file())
    var files: [String] = []

    @OptionGroup var options: ConfigurationOptions

    @OptionGroup var quiet: QuietOption

    func run() throws {
        var options = options
        options.files += files
        let configuration = try options.load()
        if quiet.isQuiet { return }
        let changed = configuration.documentedKeys.count { $0.value != $0.standard }
        let keys = changed == 1 ? "1 key differs from its default" : "\(changed) keys differ from their defaults"
        try StandardOutput.write("the configuration is right; \(keys)")
    }
}

struct ConfigDiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Compares two configurations key by key. A key that is not set has its default.",
        discussion: "Exits with 0 whether they differ or not. The environment does not count.")

    @Argument(help: ArgumentHelp("A YAML file, or a run folder.", valueName: "a"), completion: .file())
    var first: String

    @Argument(help: ArgumentHelp("Another one.", valueName: "b"), completion: .file())
    var second: String

    @OptionGroup var output: OutputOptions

    private struct Difference: Encodable {
        var key: String
        var first: String?
        var second: String?
    }

    func run() throws {
        let change = try ConfigurationPlace.load(first).differences(from: ConfigurationPlace.load(second))
        let rows = change.map { Difference(key: $0.key, first: $0.first, second: $0.second) }
        guard !rows.isEmpty || output.format != .table else { return try StandardOutput.write("no key differs") }
        try output.show(rows) {
            var table = TextTable(["key", first, second])
            for row in rows { table.add([row.key, row.first ?? "-", row.second ?? "-"]) }
            return table.lines
        }
    }
}

/// What a person names a configuration by: a file, or the folder of a run.
private enum ConfigurationPlace {
    /// - Throws: `ConfigurationError` for a folder without a configuration.
    static func folder(_ path: String) throws -> RunFolder {
        let folder = RunFolder(path: path)
        guard FileManager.default.fileExists(atPath: folder.configuration) else {
            throw ConfigurationError("\(path): expected a run folder, found no \(folder.configuration)")
        }
        return folder
    }

    static func load(_ path: String) throws -> RunConfiguration {
        let file = Folder.exists(path) ? try folder(path).configuration : path
        return try RunConfiguration.load(files: [file], environment: [:])
    }
}
