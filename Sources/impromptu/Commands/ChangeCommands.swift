import ArgumentParser
import Console
import FederationService
import PromptWire
import RunLog
import RunSettings

struct SetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Changes settings of a run.",
        discussion: """
            A record of the log says what changed and when, so the run replays. A running aggregator is asked through a file \
            in the run folder, and the command waits for its answer. The configuration file that the aggregator was \
            started with stays the same. These keys may change: \
            \(RunConfiguration.changeable.joined(separator: ", ")).

            impromptu set runs/first federation.buffer_size=8
            """)

    @Argument(help: .runFolder, completion: .directory)
    var folder: String

    @Argument(help: ArgumentHelp("A setting and its new value.", valueName: "section.key=value"))
    var settings: [String]

    func run() async throws {
        let settings = try settings.map { setting in
            guard let equals = setting.firstIndex(of: "="), equals != setting.startIndex else {
                throw ValidationError("\(setting): expected section.key=value")
            }
            return (key: String(setting[..<equals]), value: String(setting[setting.index(after: equals)...]))
        }
        try await change(folder, settings, extends: false)
    }
}

struct ExtendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "extend",
        abstract: "Moves the end of a run, even of a finished one.",
        discussion: """
            The numbers count from the beginning of the run. Afterwards 'impromptu aggregate' on the folder continues it.

            impromptu extend runs/first --updates 500
            """)

    @Argument(help: .runFolder, completion: .directory)
    var folder: String

    @Option(help: ArgumentHelp("The run ends after so many updates; 0 for never.", valueName: "number"))
    var updates: Int?

    @Option(help: ArgumentHelp("The run ends at this version; 0 for never.", valueName: "number"))
    var versions: Int?

    @Option(help: ArgumentHelp("The run ends after so long, \(TimeSpan.help); 0 for never.", valueName: "time"))
    var duration: TimeSpan?

    func validate() throws {
        guard updates != nil || versions != nil || duration != nil else {
            throw ValidationError("expected --updates, --versions or --duration")
        }
    }

    func run() async throws {
        let settings = [
            updates.map { ("run.updates", "\($0)") }, versions.map { ("run.versions", "\($0)") },
            duration.map { ("run.seconds", "\($0.seconds)") },
        ]
        try await change(folder, settings.compactMap { $0 }, extends: true)
    }
}

private func change(_ path: String, _ settings: [(key: String, value: String)], extends: Bool) async throws {
    let folder = RunFolder(path: path)
    let words = settings.map { "\($0.key) is \($0.value)" }.joined(separator: ", ")
    let changes = settings.map { SettingChanged(key: $0.key, value: $0.value) }
    guard let run = try folder.change(changes, extends: extends) else {
        let answer = try await ChangeRequest.request(settings, extends: extends, in: folder)
        guard answer.state == .made else { throw ConfigurationError(answer.reason ?? "refused") }
        return try StandardOutput.write(
            "\(words), from version \(answer.version ?? 0) with \(answer.updates ?? 0) updates on")
    }
    if !run.isFinished { try folder.forgetEnd() }
    let next = run.isFinished ? "which is its end" : "impromptu aggregate \(path) continues it"
    try StandardOutput.write(
        "\(words); the run is at version \(run.version) with \(run.updates) updates, \(next)")
}
