import ArgumentParser
import ClientCheck
import Console
import FederationService
import Foundation
import RunLog
import RunSettings

struct CheckClientCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-client",
        abstract: "Checks whether a client of any make keeps to the wire's rules.",
        discussion: """
            Plays an aggregator that loses, repeats, delays, restarts and misleads on purpose, and reports rule by rule of \
            docs/wire-and-log.md what the client kept, what it broke, and what could not be tried. Exits with 1 when a \
            rule was broken.

            The argument is a command that starts the client; {updates}, {prompts} and {run} in it stand for the two \
            endpoints and a folder with endpoints.yaml. The checker kills and restarts it. Without it, start the client \
            yourself at the endpoints that are shown; what needs a restart is then not tried.

            The run has a small model of its own: 6 prompts and a head of 3 classes on 8 values. For a client with an \
            encoder, --config names the run's configuration.

            impromptu check-client 'python my_client.py {updates} {prompts}'
            impromptu check-client --config run.yaml --keys keys 'impromptu work {run} --config run.yaml'
            """)

    @Argument(help: ArgumentHelp("The command that starts the client.", valueName: "command"))
    var command: String?

    @OptionGroup var options: ConfigurationOptions

    @Option(
        help: ArgumentHelp(
            "The folder of keys, as 'impromptu keys' makes it. Without it the checker has no keys.", valueName: "folder"
        ), completion: .directory)
    var keys: String?

    @Option(help: ArgumentHelp("The client's name; the first to say hello unless given.", valueName: "name"))
    var client: String?

    @Option(help: ArgumentHelp("Where to bind the socket for updates.", valueName: "endpoint"))
    var bindUpdates = "tcp://127.0.0.1:*"

    @Option(help: ArgumentHelp("Where to bind the socket for prompts.", valueName: "endpoint"))
    var bindPrompts = "tcp://127.0.0.1:*"

    @Option(
        help: ArgumentHelp(
            "The folder to write endpoints.yaml into; a temporary one unless given.", valueName: "folder"),
        completion: .directory)
    var folder: String?

    @Option(help: .timeout("How long a start of the client, or one training, may take"))
    var timeout = TimeSpan(seconds: 60)

    @Option(
        name: .customLong("scene"),
        help: ArgumentHelp(
            "Plays only this scene; repeatable: \(Scene.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "scene"))
    var scenes: [Scene] = []

    @OptionGroup var output: OutputOptions

    @OptionGroup var quiet: QuietOption

    func validate() throws {
        guard (1...86_400).contains(timeout.seconds) else {
            throw ValidationError("--timeout: expected 1s to 24h, found \(timeout)")
        }
    }

    func run() throws {
        let model =
            options.isEmpty
            ? ModelOnTrial.small : try ModelOnTrial(try options.load())
        let temporary = folder == nil ? NSTemporaryDirectory() + "impromptu-check-\(getpid())" : nil
        defer { if let temporary { try? FileManager.default.removeItem(atPath: temporary) } }
        var settings = ClientCheckSettings(folder: RunFolder(path: folder ?? temporary!))
        settings.command = command
        settings.name = client
        settings.keys = keys.map(KeyFolder.init(path:))
        settings.endpoints = .init(updates: bindUpdates, prompts: bindPrompts)
        settings.patience = timeout.duration
        let played = Scene.allCases.filter { scenes.isEmpty || scenes.contains($0) }
        let signals = StopSignals { ClientCheck.interrupt() }
        defer { withExtendedLifetime(signals) {} }
        let findings = try ClientCheck.run(settings, model: model, scenes: played) { bound in
            guard command == nil, !quiet.isQuiet else { return }
            StandardError.write(
                "waiting for a client at \(bound.updates) (updates) and \(bound.prompts) (prompts)\n")
        } began: { scene in
            if !quiet.isQuiet { StandardError.write("scene \(scene.rawValue)\n") }
        }
        try output.show(findings) { Self.lines(findings) }
        let broken = findings.filter { $0.outcome == .broken }.map(\.rule)
        guard broken.isEmpty else { throw RulesBroken(rules: broken) }
    }

    private static func lines(_ findings: [RuleFinding]) -> [String] {
        let counts = [RuleFinding.Outcome.kept, .broken, .untried].map { outcome in
            "\(findings.count { $0.outcome == outcome }) \(outcome.rawValue)"
        }
        return findings.flatMap { finding in
            let outcome = finding.outcome.rawValue.padding(toLength: 11, withPad: " ", startingAt: 0)
            let number = finding.rule.number.padding(toLength: 5, withPad: " ", startingAt: 0)
            return [
                outcome + number + finding.rule.title, String(repeating: " ", count: 16) + finding.seen,
            ]
        } + [counts.joined(separator: ", ")]
    }
}

extension Scene: ExpressibleByArgument {}
