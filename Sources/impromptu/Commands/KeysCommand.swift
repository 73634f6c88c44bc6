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
            The key security.keys names the folder. The aggregator needs its files aggregator.secret and allowed; each \
            worker needs <name>.secret and aggregator.public. Every line of 'allowed' binds a key to the clients that it \
            may speak for. A running aggregator reads the list again on SIGHUP. If a command was interrupted, give it \
            again to finish it.

            All workers of a run:         impromptu keys make --config run.yaml --workers 4
            One more participant:         impromptu keys make --name clinic-3 --client client-07
            A key that only listens:      impromptu keys make --name observer
            Another key for a worker:     impromptu keys rotate worker-2
            Remove a participant:         impromptu keys revoke clinic-3
            """,
        subcommands: [KeysMakeCommand.self, KeysRotateCommand.self, KeysRevokeCommand.self])
}

/// Which folder of keys a command changes.
struct KeyFolderOptions: ParsableArguments {
    @Option(
        name: .customLong("keys"),
        help: ArgumentHelp(
            "The folder of the run's keys; by default security.keys of the configuration, else 'keys'.",
            valueName: "folder"), completion: .directory)
    var path: String?

    @OptionGroup var options: ConfigurationOptions

    func folder() throws -> KeyFolder {
        KeyFolder(path: try path ?? options.load().security.keys ?? "keys")
    }
}

struct KeysMakeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "make",
        abstract: "Makes the aggregator's keys, and those of workers.",
        discussion: "Existing keys are kept, so the same command can be given again.")

    @Option(
        help: ArgumentHelp(
            "Makes a key for each of this many workers, for the clients that it hosts.",
            valueName: "number"))
    var workers: Int?

    @Option(help: ArgumentHelp("Makes a key of this name.", valueName: "name"))
    var name: String?

    @Option(
        name: .customLong("client"),
        help: ArgumentHelp("A client that --name may speak for, '*' for all; repeatable.", valueName: "name"))
    var clients: [String] = []

    @OptionGroup var place: KeyFolderOptions

    func validate() throws {
        if let workers, !(1...10_000).contains(workers) {
            throw ValidationError("--workers: expected 1 to 10000, found \(workers)")
        }
        if name == nil, !clients.isEmpty { throw ValidationError("--client: expected --name with it") }
    }

    func run() throws {
        let folder = try place.folder()
        if try folder.makeAggregator() {
            try StandardOutput.write("made the aggregator's keys and \(folder.path)/allowed")
        }
        if try folder.makeLogKey() {
            try StandardOutput.write(
                "made \(folder.path)/log.secret, which signs the aggregator's logs, and log.public")
        }
        if let workers {
            let names = try place.options.load().clients.map(\.name)
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
        try StandardOutput.write("\(isNew ? "made" : "kept") \(folder.path)/\(name).secret, which \(whom)")
    }
}

struct KeysRotateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate", abstract: "Gives a name another key for the same clients.")

    @Argument(help: "The key's name.")
    var name: String

    @OptionGroup var place: KeyFolderOptions

    func run() throws {
        let folder = try place.folder()
        try folder.rotate(name)
        try StandardOutput.write(
            """
            made another \(folder.path)/\(name).secret; its holder needs it
            the earlier key is good until the aggregator gets SIGHUP, where \(folder.path)/allowed is in use
            """)
    }
}

struct KeysRevokeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Takes a name off the list and removes its files.")

    @Argument(help: "The key's name.")
    var name: String

    @OptionGroup var place: KeyFolderOptions

    func run() throws {
        let folder = try place.folder()
        guard try folder.revoke(name) else { return try StandardOutput.write("\(name) was revoked before") }
        try StandardOutput.write(
            """
            revoked the key of \(name) and removed its files
            it is good until the aggregator gets SIGHUP, where \(folder.path)/allowed is in use
            """)
    }
}
