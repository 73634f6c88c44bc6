import ArgumentParser
import FederationService
import Foundation
import RunLog
import RunSettings

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Checks whether a service can run on this machine.",
        discussion: """
            Checks ports, keys, data, weights, disk, limits, memory and clock, and prints what it found and what to do. \
            Exits with 1 if a check failed; a warning is no failure. It does not disturb a running service.

            Before an aggregator:         impromptu check aggregator runs/first --config run.yaml
            Before a worker:              impromptu check worker --config run.yaml --index 0 --workers 4
            Before a single client:       impromptu check worker --config run.yaml --client clinic-3 --data scans
            """,
        subcommands: [CheckAggregatorCommand.self, CheckWorkerCommand.self])
}

struct CheckAggregatorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "aggregator", abstract: "Checks whether an aggregator can run on this machine.")

    @OptionGroup var options: ConfigurationOptions

    @OptionGroup var classes: ClassOptions

    @Argument(
        help: ArgumentHelp("The run folder that the aggregator is to have.", valueName: "run"), completion: .directory)
    var folder: String?

    @OptionGroup var findings: FindingOptions

    func run() throws {
        let configuration = try options.load(classes.assignments)
        try findings.show(Checkup(configuration, as: .aggregator(folder.map(RunFolder.init(path:)))))
    }
}

struct CheckWorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Checks whether a worker can run on this machine.")

    @OptionGroup var options: ConfigurationOptions

    @OptionGroup var site: SiteOptions

    @OptionGroup var numbered: WorkerPlaceOptions

    @Option(
        help: ArgumentHelp(
            "The name of its key in security.keys; by default worker-<index>, with --client the client's name.",
            valueName: "name"))
    var key: String?

    @OptionGroup var findings: FindingOptions

    func validate() throws {
        guard !numbered.isGiven || site.client == nil else {
            throw ValidationError("--index, --workers: expected neither beside --client")
        }
        try numbered.requireSense()
    }

    func run() throws {
        let configuration = try site.load(options)
        let place = numbered.place
        let clients = configuration.worker.clients.isEmpty ? place.clients(of: configuration.data.clients) : []
        try findings.show(
            Checkup(configuration, as: .worker(clients: clients, key: key ?? configuration.worker.key ?? place.key)))
    }
}

/// How a check shows what it found.
struct FindingOptions: ParsableArguments {
    @OptionGroup var output: OutputOptions

    @OptionGroup var quiet: QuietOption

    /// - Throws: where a check failed.
    func show(_ checkup: Checkup) throws {
        let findings = checkup.findings.filter { !quiet.isQuiet || $0.outcome != .ok }
        if !findings.isEmpty || output.format != .table { try output.show(findings) { Self.lines(findings) } }
        try checkup.requireSuccess()
    }

    private static func lines(_ findings: [Finding]) -> [String] {
        let widest = findings.map(\.subject.count).max() ?? 0
        return findings.flatMap { finding in
            let outcome = finding.outcome.rawValue.padding(toLength: 9, withPad: " ", startingAt: 0)
            let subject = finding.subject.padding(toLength: widest, withPad: " ", startingAt: 0)
            let advice = finding.advice.map { String(repeating: " ", count: 11 + widest) + "do: " + $0 }
            return ["\(outcome)\(subject)  \(finding.found)"] + (advice.map { [$0] } ?? [])
        }
    }
}
