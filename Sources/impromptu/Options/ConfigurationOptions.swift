import ArgumentParser
import Foundation
import RunLog
import RunSettings

/// Where a command takes its configuration from.
struct ConfigurationOptions: ParsableArguments {
    @Option(
        name: [.customShort("c"), .customLong("config")],
        help: ArgumentHelp(
            "A YAML file with settings; repeatable, later files override earlier ones.", valueName: "file"),
        completion: .file())
    var files: [String] = []

    @OptionGroup var settings: SettingOptions

    var isEmpty: Bool { files.isEmpty && settings.assignments.isEmpty }

    /// - Parameters:
    ///   - more: assignments above those of the options.
    ///   - folder: a run that continues with the configuration in its folder, unless the options name another.
    func load(_ more: [String] = [], of folder: RunFolder? = nil) throws -> RunConfiguration {
        var files = files
        if files.isEmpty, let kept = folder?.configuration, FileManager.default.fileExists(atPath: kept) {
            files = [kept]
        }
        return try RunConfiguration.load(files: files, assignments: settings.assignments + more)
    }
}

/// Settings on the command line.
struct SettingOptions: ParsableArguments {
    @Option(
        name: [.customShort("s"), .customLong("set")],
        help: ArgumentHelp(
            "Sets one key, above files and environment; repeatable.", valueName: "section.key=value"))
    var assignments: [String] = []
}
