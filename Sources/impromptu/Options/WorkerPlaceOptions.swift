import ArgumentParser
import FederationService

/// Which worker of how many a command is about.
struct WorkerPlaceOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Which worker this is, from 0; by default 0.", valueName: "number"))
    var index: Int?

    @Option(help: ArgumentHelp("How many workers there are; by default 1.", valueName: "number"))
    var workers: Int?

    var isGiven: Bool { index != nil || workers != nil }
    var place: WorkerPlace { WorkerPlace(index: index ?? 0, of: workers ?? 1) }

    func requireSense() throws {
        guard place.of >= 1, (0..<place.of).contains(place.index) else {
            throw ValidationError(
                "--index: expected 0 to \(max(0, place.of - 1)) for --workers \(place.of), found \(place.index)")
        }
    }
}
