import ArgumentParser
import Console
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

            Before an aggregator:         impromptu check --config run.yaml --run runs/first
            Before a worker:              impromptu check --config run.yaml --index 0 --of 4
            Before one with own images:   impromptu check --config run.yaml --client clinic-3 --data scans
            """)

    @OptionGroup var options: ConfigurationOptions

    @OptionGroup var site: SiteOptions

    @Option(name: .customLong("run"), help: "The run folder of the aggregator.")
    var folder: String?

    @Option(help: "Checks for the worker of this number, from 0.")
    var index: Int?

    @Option(help: "How many workers there are.")
    var of = 1

    @Option(
        help: ArgumentHelp("The name of the worker's key; worker-<index> unless given.", valueName: "name"))
    var key: String?

    @Flag(help: "Prints JSON.")
    var json = false

    func validate() throws {
        guard index == nil || site.client == nil else {
            throw ValidationError("--index: expected none beside --client")
        }
        guard folder == nil || site.client == nil else {
            throw ValidationError("--run: expected for an aggregator, without --client")
        }
        guard let index else { return }
        guard folder == nil else { throw ValidationError("--run: expected for an aggregator, without --index") }
        try WorkerPlace(index: index, of: of).requireSense()
    }

    func run() throws {
        let configuration = try site.load(options)
        let place = index.map { WorkerPlace(index: $0, of: of) }
        let role: Checkup.Role =
            if site.client != nil {
                .worker(clients: [], key: key ?? configuration.worker.key ?? "worker-0")
            } else if let place {
                .worker(clients: place.clients(of: configuration.data.clients), key: key ?? place.key)
            } else {
                .aggregator(folder.map(RunFolder.init(path:)))
            }
        let checkup = Checkup(configuration, as: role)
        if json { try printJSON(checkup.findings) } else { try show(checkup.findings) }
        try checkup.requireSuccess()
    }

    private func show(_ findings: [Finding]) throws {
        let widest = findings.map(\.subject.count).max() ?? 0
        for finding in findings {
            let outcome = finding.outcome.rawValue.padding(toLength: 9, withPad: " ", startingAt: 0)
            let subject = finding.subject.padding(toLength: widest, withPad: " ", startingAt: 0)
            try StandardOutput.write("\(outcome)\(subject)  \(finding.found)")
            if let advice = finding.advice {
                try StandardOutput.write(String(repeating: " ", count: 11 + widest) + "do: " + advice)
            }
        }
    }
}
