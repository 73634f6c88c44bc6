import PromptAggregation

/// All clients that ever took part, each in a place of its own that it keeps, with what is asked for at every event kept
/// ready: who is idle, who was silent longest, and the totals. A change of one client takes the same time whatever their
/// number.
struct ClientRegistry: Hashable, Sendable {
    private(set) var records: [ClientRecord] = []
    private var slots: [ClientID: Int] = [:]
    /// Those that a task can be given to in this turn.
    private var due = SlotSet()
    /// Those that are idle and had their task in this turn.
    private var served = SlotSet()
    private let dispatchOrder: DispatchOrder
    /// Counts the times that all idle clients were asked; stays 0 where they are not asked in turn.
    private var turn = 0
    /// Those that are alive, the longest silent first.
    private(set) var silence = SilenceQueue()
    private(set) var alive = 0
    /// Those alive that may be asked to train.
    private(set) var able = 0
    /// Clients with a task.
    private(set) var inFlight = 0
    /// Clients with a task of the present version.
    private(set) var asked = 0
    /// Clients with an update in the buffer that started from the present version.
    private(set) var answered = 0
    /// Those that may be asked and have no such update.
    private(set) var unanswered = 0
    /// Those that may be asked and have no update in the buffer at all.
    private(set) var absent = 0
    /// The newest version that clients were asked to evaluate, -1 for none.
    private(set) var evaluation: Version = -1
    /// Those that have not answered that.
    private(set) var owing = 0
    /// The present version.
    private(set) var version: Version
    /// Failed tasks in a row after which a client is asked no more; 0 for no bound.
    private let failuresAllowed: Int

    init(version: Version = 0, failuresAllowed: Int, order: DispatchOrder) {
        self.version = version
        dispatchOrder = order
        self.failuresAllowed = failuresAllowed
    }

    var count: Int { records.count }

    /// How many a task can be given to.
    var idle: Int { due.count + served.count }

    /// The place of a client, nil for an unknown one.
    func slot(of id: ClientID) -> Int? { slots[id] }

    subscript(slot: Int) -> ClientRecord { _read { yield records[slot] } }

    @discardableResult
    mutating func insert(_ record: ClientRecord) -> Int {
        let slot = records.count
        records.append(record)
        slots[record.id] = slot
        tally(record, at: slot, by: 1)
        if record.presence == .alive { silence.touch(slot) }
        return slot
    }

    /// Changes a record, and whatever follows from it.
    mutating func change(_ slot: Int, _ body: (inout ClientRecord) -> Void) {
        tally(records[slot], at: slot, by: -1)
        body(&records[slot])
        tally(records[slot], at: slot, by: 1)
        if records[slot].presence != .alive { silence.remove(slot) }
    }

    /// Draws the client to ask next; there must be an idle one.
    mutating func draw(_ random: inout SeededRandom) -> Int {
        if due.count == 0 {
            turn += 1
            swap(&due, &served)
        }
        return due.members[Int(random.next(upperBound: UInt64(due.count)))]
    }

    /// Gives the client that was drawn a task of the present version: what `change` comes to, many times over at a dispatch.
    mutating func give(_ assignment: ClientRecord.Assignment, to slot: Int) {
        records[slot].current = assignment
        if dispatchOrder == .inTurn { records[slot].turn = turn + 1 }
        inFlight += 1
        asked += 1
        due.remove(slot)
    }

    /// Notes that a client was heard: it is alive.
    mutating func hear(_ slot: Int, at listened: Int64) {
        if records[slot].presence == .alive {
            records[slot].heard = listened
        } else {
            change(slot) {
                $0.heard = listened
                $0.presence = .alive
            }
        }
        silence.touch(slot)
    }

    /// Begins a version, with an empty buffer.
    /// - Parameter buffered: the slots of all that had updates in it.
    mutating func begin(version: Version, buffered: [Int]) {
        for slot in buffered where records[slot].bufferedBase != nil { change(slot) { $0.bufferedBase = nil } }
        self.version = version
        asked = 0
    }

    /// Asks for the evaluation of a version.
    mutating func order(evaluation version: Version) {
        evaluation = version
        owing = records.count { owes($0) }
    }

    /// Whether a client is to evaluate the version that was asked for, or a newer one.
    func owes(_ record: ClientRecord) -> Bool {
        record.presence == .alive && record.heldOutCount > 0 && record.evaluated < evaluation
    }

    func mayBeAsked(_ record: ClientRecord) -> Bool {
        record.presence == .alive && record.sampleCount > 0
            && (failuresAllowed == 0 || record.failures < failuresAllowed)
    }

    private func isIdle(_ record: ClientRecord) -> Bool {
        mayBeAsked(record) && record.current == nil && record.bufferedBase.map { $0 < version } ?? true
    }

    private mutating func tally(_ record: ClientRecord, at slot: Int, by change: Int) {
        if record.presence == .alive { alive += change }
        if owes(record) { owing += change }
        if mayBeAsked(record) {
            able += change
            if record.bufferedBase != version { unanswered += change }
            if record.bufferedBase == nil { absent += change }
        }
        if let current = record.current {
            inFlight += change
            if current.version == version { asked += change }
        }
        if record.bufferedBase == version { answered += change }
        // What a change leaves as it was keeps its position.
        if change > 0 {
            let idle = isIdle(record)
            if idle && record.turn <= turn { due.insert(slot) } else { due.remove(slot) }
            if idle && record.turn > turn { served.insert(slot) } else { served.remove(slot) }
        }
    }

    // MARK: Invariants

    var violations: [String] {
        var found: [String] = []
        func expect(_ what: String, _ expected: Int, _ actual: Int) {
            if expected != actual { found.append("clients: expected \(expected) \(what), found \(actual)") }
        }
        expect("alive", records.count { $0.presence == .alive }, alive)
        expect("able", records.count { mayBeAsked($0) }, able)
        expect("in flight", records.count { $0.current != nil }, inFlight)
        expect("asked", records.count { $0.current?.version == version }, asked)
        expect("unanswered", records.count { mayBeAsked($0) && $0.bufferedBase != version }, unanswered)
        expect("absent", records.count { mayBeAsked($0) && $0.bufferedBase == nil }, absent)
        expect("answered", records.count { $0.bufferedBase == version }, answered)
        expect("owing an evaluation", records.count { owes($0) }, owing)
        expect("places", records.count, slots.count)
        let silent = silence.members
        expect("in the order of silence", alive, silent.count)
        if let place = silent.indices.dropFirst().first(where: {
            records[silent[$0 - 1]].heard > records[silent[$0]].heard
        }) {
            found.append("clients: \(records[silent[place]].id) was silent longer than the one before it")
        }
        for (slot, record) in records.enumerated() {
            if slots[record.id] != slot { found.append("clients: \(record.id) is not in its slot \(slot)") }
            if due.contains(slot) != (isIdle(record) && record.turn <= turn)
                || served.contains(slot) != (isIdle(record) && record.turn > turn)
            {
                found.append("clients: \(record.id) is idle or not wrongly")
            }
            if record.turn > turn + 1 { found.append("clients: \(record.id) waits for a turn after the next") }
            if silence.contains(slot) != (record.presence == .alive) {
                found.append("clients: \(record.id) has a lease or none wrongly")
            }
            if record.current != nil, record.presence != .alive {
                found.append("clients: \(record.id) has a task and is \(record.presence.rawValue)")
            }
            if record.fenced.contains(where: { $0.session == record.session }) {
                found.append("clients: the session of \(record.id) is fenced")
            }
            if record.candidate?.session == record.session {
                found.append("clients: the session of \(record.id) waits to replace itself")
            }
        }
        return found
    }

    // MARK: Snapshots

    func write(to writer: inout SnapshotWriter) {
        writer.write(evaluation)
        writer.write(records) { $1.write(to: &$0) }
        writer.write(due.members)
        writer.write(silence.members)
        guard dispatchOrder == .inTurn else { return }
        writer.write(turn)
        writer.write(records.map(\.turn))
        writer.write(served.members)
    }

    /// - Throws: `SnapshotError` for what no registry writes: the same client twice, one idle that is not.
    init(
        from reader: inout SnapshotReader, version: Version, failuresAllowed: Int, order: DispatchOrder
    ) throws(SnapshotError) {
        self.init(version: version, failuresAllowed: failuresAllowed, order: order)
        evaluation = try reader.integer("version to evaluate", in: -1...version)
        let records = try reader.list { reader throws(SnapshotError) in try ClientRecord(from: &reader) }
        for record in records {
            guard slots[record.id] == nil else { throw reader.unexpected("client", "another", "'\(record.id)'") }
            insert(record)
        }
        due = try readSlots("idle client", from: &reader)
        silence = SilenceQueue()
        let silent = try readSlots("client in the order of silence", of: "clients by their silence", from: &reader)
        for slot in silent.members { silence.touch(slot) }
        guard order == .inTurn else { return }
        turn = try reader.integer("turn", in: 0...FederationConfiguration.largestCount)
        let turns = try reader.integers(
            "turns of clients", in: 0...FederationConfiguration.largestCount, count: records.count)
        for (slot, turn) in turns.enumerated() { self.records[slot].turn = turn }
        served = try readSlots("client asked in this turn", from: &reader)
    }

    /// - Parameter list: what the whole is called, where that is another name.
    private func readSlots(
        _ what: String, of list: String? = nil, from reader: inout SnapshotReader
    ) throws(SnapshotError) -> SlotSet {
        var slots = SlotSet()
        for slot in try reader.integers(list ?? what) {
            guard records.indices.contains(slot), !slots.contains(slot) else {
                throw reader.unexpected(what, "one of \(records.count), once", "\(slot)")
            }
            slots.insert(slot)
        }
        return slots
    }
}
