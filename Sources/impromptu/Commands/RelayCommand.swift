import ArgumentParser
import FederationService
import RunLog
import RunSettings

struct RelayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "relay",
        abstract: "Forwards connections of workers that cannot reach the aggregator directly.",
        discussion: """
            Runs on a machine that both sides reach, such as a cluster's login node. It reads endpoints.yaml in the \
            aggregator's run folder (or in a copy of it), listens, and writes its own endpoints.yaml for workers:

            impromptu relay runs/first runs/first-relay
            impromptu work runs/first-relay --config run.yaml --index 0 --workers 4

            It forwards bytes and holds no key: encryption and identity stay between worker and aggregator. It follows \
            an aggregator that moves, and ends with the run.
            """)

    @Argument(help: ArgumentHelp("The aggregator's run folder.", valueName: "run"), completion: .directory)
    var upstream: String

    @Argument(
        help: ArgumentHelp("The folder for the relay's own endpoints.yaml.", valueName: "relay"), completion: .directory
    )
    var folder: String

    @Option(help: ArgumentHelp("Where to bind the socket for updates.", valueName: "endpoint"))
    var bindUpdates = "tcp://*:*"

    @Option(help: ArgumentHelp("Where to bind the socket for prompts.", valueName: "endpoint"))
    var bindPrompts = "tcp://*:*"

    @Option(
        help: ArgumentHelp(
            "The address to advertise where it binds tcp://*, like endpoints.advertise.", valueName: "address"))
    var advertise = ""

    @Flag(help: "Admits anybody if the federation has no keys.")
    var openNetwork = false

    @OptionGroup var service: ServiceOptions

    func validate() throws {
        guard RunFolder(path: upstream).endpoints != RunFolder(path: folder).endpoints else {
            throw ValidationError("\(folder): expected another folder than the aggregator's")
        }
    }

    func run() async throws {
        let logger = service.logger("relay")
        let relay = try RelayService(
            upstream: RunFolder(path: upstream), folder: RunFolder(path: folder),
            endpoints: .init(updates: bindUpdates, prompts: bindPrompts), advertise: advertise,
            openNetwork: openNetwork,
            logger: logger, health: service.healthFile)
        try await runUntilSignalled(relay, logger: logger)
    }
}
