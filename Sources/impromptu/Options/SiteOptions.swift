import ArgumentParser
import PromptAggregation
import RunSettings

/// Which clients with data of their own a worker hosts.
struct SiteOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Hosts this client alone, with data of its own: those of --data, or of worker.clients.", valueName: "name"
        ))
    var client: String?

    @Option(
        help: ArgumentHelp(
            "With --client: its images (a folder of class folders, a manifest .csv, arrays .safetensors) or texts (.csv, .tsv, .jsonl).",
            valueName: "path"), completion: .file())
    var data: String?

    @OptionGroup var classes: ClassOptions

    func validate() throws {
        guard data == nil || client != nil else {
            throw ValidationError("--data: expected --client beside it, the name that the client takes part under")
        }
    }

    /// Lays the options above the configuration.
    /// - Parameter files: YAML below those that the options name.
    func load(_ options: ConfigurationOptions, above files: [String] = []) throws -> RunConfiguration {
        var more = classes.assignments
        if let client, let data { more.append("worker.clients.\(client)=\(data)") }
        var configuration = try RunConfiguration.load(
            files: files + options.files, assignments: options.settings.assignments + more)
        guard let client else { return configuration }
        configuration.worker.clients.removeAll { $0.name.name != client }
        guard !configuration.worker.clients.isEmpty else {
            throw ConfigurationError("--client \(client): expected --data, or worker.clients.\(client), found neither")
        }
        return configuration
    }
}

/// Where a command takes the names of the classes from.
struct ClassOptions: ParsableArguments {
    @Option(
        name: .customLong("classes"),
        help: ArgumentHelp(
            "The classes in order (model.classes): a file with a name on each line, or a folder or manifest of images.",
            valueName: "path"), completion: .file())
    var path: String?

    var assignments: [String] { path.map { ["model.classes=\($0)"] } ?? [] }
}
