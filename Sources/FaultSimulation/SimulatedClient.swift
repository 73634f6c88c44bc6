import Federation
import PromptAggregation

/// A client's machine: a disk that lasts, and a process that comes and goes.
package struct SimulatedClient {
    let id: ClientID
    let sampleCount: Int
    /// Whether it is a second one of its name, which is started once.
    let isTwin: Bool
    var outbox = SimulatedOutbox()
    /// Nil while no process runs.
    var process: Process?
    /// Processes started so far; what was meant for an earlier one reaches nobody.
    private(set) var starts = 0
    /// The client has no further part in the run.
    var hasEnded = false

    struct Process {
        var client: Client
        /// The number of the item for its deadline.
        var deadline: Int?
        /// Updates on their way to the disk.
        var storing: [ClientMessage.Update] = []
        /// Effects carried out before it dies, nil while it does not.
        var stepsLeft: Int?
        /// Trainings that came to nothing.
        var failures = 0
    }

    init(id: ClientID, sampleCount: Int) {
        self.id = id
        self.sampleCount = sampleCount
        isTwin = false
    }

    init(twinOf id: ClientID, sampleCount: Int) {
        self.id = id
        self.sampleCount = sampleCount
        isTwin = true
    }

    /// Starts a process as a worker does.
    mutating func start(session: UInt64, run: UInt64, planted: PlantedFault?) throws {
        starts += 1
        var left = try outbox.left()
        switch planted {
        case .forgottenOutbox:
            for update in left { outbox.discard(update.id) }
            left = []
        case .relabelledOutbox:
            for place in left.indices {
                outbox.discard(left[place].id)
                left[place].task += 500
                outbox.store(left[place])
            }
        case .adoptedOutbox:
            for place in left.indices where left[place].run != run {
                outbox.discard(left[place].id)
                left[place].run = run
                outbox.store(left[place])
            }
        default: break
        }
        process = Process(
            client: Client(
                id: id, session: session, sampleCount: sampleCount, heldOutCount: sampleCount / 2, outbox: left))
    }

    /// Ends the process; what it was writing may have reached the disk.
    /// - Returns: the updates that did.
    mutating func crash(losingPower: Bool, _ random: inout SeededRandom) -> [UpdateID] {
        let written = (process?.storing ?? []).filter { _ in random.chance(0.3) }
        for update in written { outbox.store(update) }
        if losingPower { outbox.losePower(&random) }
        process = nil
        return written.map(\.id)
    }
}
