import ArgumentParser
import Foundation
import RunLog
import RunSettings

/// Where a command takes its configuration from.
struct ConfigurationOptions: ParsableArguments {
    @Option(
        name: .long, help: ArgumentHelp("A YAML file; of several, later ones override earlier ones.", valueName: "file")
    )
    var config: [String] = []

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("Sets one key; overrides the files and the environment.", valueName: "section.key=value"))
    var assignments: [String] = []

    /// - Parameters:
    ///   - more: assignments above those of the options.
    ///   - folder: a run that continues with the configuration in its folder, unless the options name another.
    func load(_ more: [String] = [], of folder: RunFolder? = nil) throws -> RunConfiguration {
        var files = config
        if files.isEmpty, let kept = folder?.configuration, FileManager.default.fileExists(atPath: kept) {
            files = [kept]
        }
        return try RunConfiguration.load(files: files, assignments: assignments + more)
    }
}
