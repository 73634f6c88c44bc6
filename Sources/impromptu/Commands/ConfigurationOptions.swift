import ArgumentParser
import RunSettings

/// Where a command takes its configuration from.
struct ConfigurationOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("A YAML file; several are laid over each other.", valueName: "file"))
    var config: [String] = []

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("Sets one key, above the files and the environment.", valueName: "section.key=value"))
    var assignments: [String] = []

    /// - Parameter more: assignments above those of the options.
    func load(_ more: [String] = []) throws -> RunConfiguration {
        try RunConfiguration.load(files: config, assignments: assignments + more)
    }
}
