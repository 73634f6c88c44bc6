import PromptAggregation

/// The tasks that were given and what became of each, by number.
///
/// It keeps the tasks of the versions whose states are kept, since no other can be answered. Numbers count from 1
/// without gaps, so a task is found at once.
struct TaskLedger: Hashable, Sendable {
    enum Outcome: Hashable, Sendable {
        /// An update may still answer it, also when the task was taken back.
        case open
        case counted
        /// Answered after its synchronous round.
        case discarded
        case rejected(AggregatorMessage.Reject.Code)
    }

    struct Entry: Hashable, Sendable {
        /// The client's slot in the registry.
        var slot: Int
        var version: Version
        var outcome: Outcome
    }

    enum Finding: Hashable, Sendable {
        case known(Entry)
        /// Given so many versions ago that it is kept no more.
        case forgotten
        case neverGiven
    }

    /// Beyond this many the oldest are forgotten, whatever their versions: bounds the memory that clients can claim by
    /// asking for tasks while no version is made.
    static let capacity = 1 << 20

    private var entries: [Entry] = []
    /// Entries at the front that are forgotten and not yet removed.
    private var gone = 0
    /// The number of the first entry that is kept.
    private(set) var first: UInt64 = 1

    /// The number that the next task gets.
    var next: UInt64 { first + UInt64(count) }
    var count: Int { entries.count - gone }

    mutating func give(to slot: Int, at version: Version) -> UInt64 {
        let number = next
        entries.append(Entry(slot: slot, version: version, outcome: .open))
        if count > Self.capacity { forgetFirst() }
        return number
    }

    subscript(task: UInt64) -> Finding {
        if task >= next || task == 0 { return .neverGiven }
        return task < first ? .forgotten : .known(entries[gone + Int(task - first)])
    }

    /// Notes what became of a task; one that is forgotten stays so.
    mutating func settle(_ task: UInt64, _ outcome: Outcome) {
        guard task >= first, task < next else { return }
        entries[gone + Int(task - first)].outcome = outcome
    }

    /// Forgets the tasks of versions before one.
    mutating func forget(before version: Version) {
        while gone < entries.count, entries[gone].version < version { forgetFirst() }
    }

    private mutating func forgetFirst() {
        gone += 1
        first += 1
        // Removing costs as much as is moved, so it waits until that is less than what was forgotten.
        if gone > 64, 2 * gone > entries.count {
            entries.removeFirst(gone)
            gone = 0
        }
    }

    func violations(clients: Int, version: Version) -> [String] {
        var found: [String] = []
        for (place, entry) in entries.enumerated().dropFirst(gone) {
            let number = first + UInt64(place - gone)
            if !(0..<clients).contains(entry.slot) { found.append("task \(number) was given to nobody") }
            if entry.version > version { found.append("task \(number) names version \(entry.version), not made yet") }
            if place > gone, entries[place - 1].version > entry.version {
                found.append("task \(number) names an older version than the task before it")
            }
        }
        return found
    }

    // MARK: Snapshots

    func write(to writer: inout SnapshotWriter) {
        writer.write(first)
        writer.write(Array(entries.dropFirst(gone))) { writer, entry in
            writer.write(entry.slot)
            writer.write(entry.version)
            writer.write(entry.outcome.number)
        }
    }

    init() {}

    init(from reader: inout SnapshotReader) throws(SnapshotError) {
        first = try reader.word()
        entries = try reader.list { reader throws(SnapshotError) in
            let slot = try reader.integer("client of a task", in: 0...Int(Int32.max))
            let version = try reader.integer("version of a task", in: 0...FederationConfiguration.largestCount)
            let number = try reader.integer()
            guard let outcome = Outcome(number: number) else {
                throw reader.unexpected("outcome of a task", "one that there is", "\(number)")
            }
            return Entry(slot: slot, version: version, outcome: outcome)
        }
        guard first > 0, first < 1 << 62 else { throw reader.unexpected("first task", "1 to 2^62", "\(first)") }
    }
}

extension TaskLedger.Outcome {
    fileprivate var number: Int {
        switch self {
        case .open: 0
        case .counted: 1
        case .discarded: 2
        case .rejected(let code): 3 + AggregatorMessage.Reject.Code.allCases.firstIndex(of: code)!
        }
    }

    fileprivate init?(number: Int) {
        let codes = AggregatorMessage.Reject.Code.allCases
        switch number {
        case 0: self = .open
        case 1: self = .counted
        case 2: self = .discarded
        case 3..<3 + codes.count: self = .rejected(codes[number - 3])
        default: return nil
        }
    }
}
