import ArgumentParser
import Console
import FederationService
import PromptAggregation
import RunSettings

struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Makes, replaces and revokes the keys of a run, and keeps the list of who may connect.",
        discussion: """
            Fills a folder that security.keys then names: aggregator.secret and allowed for the aggregator; \
            <name>.secret for each worker, which needs aggregator.public beside it. Every line of 'allowed' binds a \
            key to the clients that it may speak for. Existing keys are kept, so the same command can be given again. \
            --rotate gives a name another key for the same clients, --revoke takes a name off the list. Either takes \
            effect when the aggregator gets SIGHUP. After an interruption, give the same command again to finish it.

            All workers of a run:         impromptu keys keys --config run.yaml --workers 4
            One more participant:         impromptu keys keys --name clinic-3 --client client-07
            One that only listens:        impromptu keys keys --name observer
            Another key for a worker:     impromptu keys keys --rotate worker-2
            No more of a participant:     impromptu keys keys --revoke clinic-3
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

    @Option(help: ArgumentHelp("Replaces the key of this name.", valueName: "name"))
    var rotate: String?

    @Option(help: ArgumentHelp("Revokes the key of this name and removes its files.", valueName: "name"))
    var revoke: String?

    func validate() throws {
        let changes = [rotate, revoke].compactMap(\.self).count
        if changes > 1 || changes == 1 && (workers != nil || name != nil) {
            throw ValidationError("expected --rotate or --revoke alone, found other options beside it")
        }
        if let workers, !(1...10_000).contains(workers) {
            throw ValidationError("--workers: expected 1 to 10000, found \(workers)")
        }
        if name == nil, !clients.isEmpty { throw ValidationError("--client: expected --name with it") }
    }

    func run() throws {
        let folder = KeyFolder(path: path)
        if let rotate { return try self.rotate(rotate, in: folder) }
        if let revoke { return try self.revoke(revoke, in: folder) }
        if try folder.makeAggregator() { try StandardOutput.write("made the aggregator's keys and \(path)/allowed") }
        if try folder.makeLogKey() {
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
        let isNew = try folder.make(name: name, clients: clients)
        let whom = clients.isEmpty ? "only listens" : "speaks for \(clients.joined(separator: " "))"
        try StandardOutput.write("\(isNew ? "made" : "kept") \(path)/\(name).secret, which \(whom)")
    }

    private func rotate(_ name: String, in folder: KeyFolder) throws {
        try folder.rotate(name)
        try StandardOutput.write(
            """
            made another \(path)/\(name).secret; its holder needs it
            the earlier key is good until the aggregator gets SIGHUP, where \(path)/allowed is in use
            """)
    }

    private func revoke(_ name: String, in folder: KeyFolder) throws {
        guard try folder.revoke(name) else { return try StandardOutput.write("\(name) was revoked before") }
        try StandardOutput.write(
            """
            revoked the key of \(name) and removed its files
            it is good until the aggregator gets SIGHUP, where \(path)/allowed is in use
            """)
    }
}
