import ArgumentParser
import Console
import FederationService
import PromptAggregation
import RunSettings

struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Makes the keys of a run and the list of who may connect.",
        discussion: """
            Fills a folder that security.keys then names: aggregator.secret and allowed for the aggregator; \
            <name>.secret for each worker, which needs aggregator.public beside it. Every line of 'allowed' binds a \
            key to the clients that it may speak for. Nothing that is there is made anew.

            All workers of a run:         impromptu keys keys --config run.yaml --workers 4
            One more participant:         impromptu keys keys --name clinic-3 --client client-07
            One that only listens:        impromptu keys keys --name observer
            """)

    @OptionGroup var options: ConfigurationOptions

    @Argument(help: ArgumentHelp("The folder.", valueName: "folder"))
    var path: String

    @Option(help: "Makes worker-0, worker-1, … for so many workers, each for the clients that 'work' gives it.")
    var workers: Int?

    @Option(help: "Makes a key of this name.")
    var name: String?

    @Option(
        name: .customLong("client"),
        help: ArgumentHelp("A client that --name may speak for, '*' for all; repeatable.", valueName: "name"))
    var clients: [String] = []

    func validate() throws {
        if let workers, !(1...10_000).contains(workers) {
            throw ValidationError("--workers: expected 1 to 10000, found \(workers)")
        }
        if name == nil, !clients.isEmpty { throw ValidationError("--client: expected --name with it") }
    }

    func run() throws {
        let folder = KeyFolder(path: path)
        if try folder.makeAggregator() { try StandardOutput.write("made the aggregator's keys and \(path)/allowed") }
        if try LogKeyFiles(folder: path).make() {
            try StandardOutput.write("made \(path)/log.secret, which signs the aggregator's logs, and log.public")
        }
        if let workers {
            let names = try options.load().clients.map(\.name)
            for index in 0..<min(workers, names.count) {
                let place = WorkerPlace(index: index, of: workers)
                try make(place.key, place.clients(of: names.count).map { names[$0] }, in: folder)
            }
        }
        if let name { try make(name, clients, in: folder) }
    }

    private func make(_ name: String, _ clients: [String], in folder: KeyFolder) throws {
        try folder.make(name: name, clients: clients)
        let whom = clients.isEmpty ? "only listens" : "speaks for \(clients.joined(separator: " "))"
        try StandardOutput.write("made \(path)/\(name).secret, which \(whom)")
    }
}
