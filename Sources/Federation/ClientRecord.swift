import PromptAggregation

/// What the aggregator remembers of a client.
struct ClientRecord: Hashable, Sendable {
    struct InFlight: Hashable, Sendable {
        var task: UInt64
        var version: Version
        var seed: UInt64
    }

    let id: ClientID
    var sampleCount: Int
    var presence: Presence = .alive
    var lastHeard: Timestamp
    var inFlight: InFlight?
    /// Invalid updates since its last accepted one.
    var offences = 0
    /// The newest base version among its updates in the buffer, nil when it has none there.
    var bufferedBase: Version?
    /// The client's starts, oldest first; only the last few are kept.
    private(set) var sessions: [SessionRecord] = []

    static let sessionsKept = 8

    init(id: ClientID, sampleCount: Int, lastHeard: Timestamp) {
        self.id = id
        self.sampleCount = sampleCount
        self.lastHeard = lastHeard
    }

    var currentSession: UInt64? { sessions.last?.session }

    /// Begins a session or makes a known one the current one.
    /// - Returns: whether it is another than before.
    mutating func begin(session: UInt64) -> Bool {
        if currentSession == session { return false }
        if let place = sessions.firstIndex(where: { $0.session == session }) {
            sessions.append(sessions.remove(at: place))
        } else {
            sessions.append(SessionRecord(session: session))
            if sessions.count > Self.sessionsKept { sessions.removeFirst() }
        }
        return true
    }

    /// What was settled of a session, nil for an unknown one.
    func settled(in session: UInt64) -> SettledSequences? { sessions.first { $0.session == session }?.settled }

    mutating func settle(_ sequence: UInt64, in session: UInt64) {
        guard let place = sessions.firstIndex(where: { $0.session == session }) else { return }
        sessions[place].settled.insert(sequence)
    }

    func ack(for session: UInt64) -> AggregatorMessage.Ack {
        let settled = settled(in: session) ?? SettledSequences()
        return .init(client: id, session: session, contiguous: settled.contiguous, ahead: settled.ahead)
    }
}

struct SessionRecord: Hashable, Sendable {
    let session: UInt64
    var settled = SettledSequences()
}

/// The sequences of a session that were accepted or finally rejected.
struct SettledSequences: Hashable, Sendable {
    /// All up to this one.
    private(set) var contiguous: UInt64
    /// Further ones, ascending.
    private(set) var ahead: [UInt64]

    init(contiguous: UInt64 = 0, ahead: [UInt64] = []) {
        self.contiguous = contiguous
        self.ahead = ahead
    }

    /// How far beyond the contiguous ones a sequence may lie: bounds the memory that a client can claim.
    static let window: UInt64 = 1024

    func contains(_ sequence: UInt64) -> Bool { sequence <= contiguous || ahead.contains(sequence) }

    func admits(_ sequence: UInt64) -> Bool {
        sequence > 0 && (sequence <= contiguous || sequence - contiguous <= Self.window)
    }

    mutating func insert(_ sequence: UInt64) {
        guard !contains(sequence) else { return }
        ahead.insert(sequence, at: ahead.firstIndex { $0 > sequence } ?? ahead.count)
        while let first = ahead.first, first == contiguous + 1 {
            contiguous = first
            ahead.removeFirst()
        }
    }
}

/// Client records in the order of their identities.
struct ClientRegistry: Hashable, Sendable {
    private(set) var records: [ClientRecord] = []

    init() {}

    /// The place of a client, nil for an unknown one.
    func index(of id: ClientID) -> Int? {
        let place = insertionPoint(of: id)
        return place < records.count && records[place].id == id ? place : nil
    }

    mutating func insert(_ record: ClientRecord) { records.insert(record, at: insertionPoint(of: record.id)) }

    subscript(index: Int) -> ClientRecord {
        get { records[index] }
        _modify { yield &records[index] }
    }

    var indices: Range<Int> { records.indices }

    /// The places of those who have nothing to do. A client trains again once its update is used or a newer version than
    /// the one that it started from is there. This is asked for after every message, so nothing is copied.
    func idle(at version: Version) -> [Int] {
        var places: [Int] = []
        for place in records.indices
        where records[place].presence == .alive && records[place].inFlight == nil
            && (records[place].bufferedBase ?? -1) < version
        { places.append(place) }
        return places
    }

    private func insertionPoint(of id: ClientID) -> Int {
        var low = 0
        var high = records.count
        while low < high {
            let middle = (low + high) / 2
            if records[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

// MARK: Snapshots

extension ClientRecord {
    func write(to writer: inout SnapshotWriter) {
        writer.write(id.name)
        writer.write(sampleCount)
        writer.write(presence.rawValue)
        writer.write(Int(lastHeard.nanoseconds))
        writer.write(inFlight) { writer, inFlight in
            writer.write(inFlight.task)
            writer.write(inFlight.version)
            writer.write(inFlight.seed)
        }
        writer.write(offences)
        writer.write(bufferedBase) { $0.write($1) }
        writer.write(sessions) { writer, record in
            writer.write(record.session)
            writer.write(record.settled.contiguous)
            writer.write(record.settled.ahead)
        }
    }

    init(from reader: inout SnapshotReader) throws(SnapshotError) {
        id = ClientID(try reader.text())
        sampleCount = try reader.integer()
        let name = try reader.text()
        guard let presence = Presence(rawValue: name) else {
            throw reader.unexpected("presence", "one that there is", "'\(name)'")
        }
        self.presence = presence
        lastHeard = Timestamp(nanoseconds: Int64(try reader.integer()))
        inFlight = try reader.optional { reader throws(SnapshotError) in
            InFlight(task: try reader.word(), version: try reader.integer(), seed: try reader.word())
        }
        offences = try reader.integer("offences", in: 0...Int.max)
        bufferedBase = try reader.optional { reader throws(SnapshotError) in try reader.integer() }
        sessions = try reader.list { reader throws(SnapshotError) in
            SessionRecord(
                session: try reader.word(),
                settled: SettledSequences(contiguous: try reader.word(), ahead: try reader.words("sequences")))
        }
    }
}

extension ClientRegistry {
    init(from reader: inout SnapshotReader) throws(SnapshotError) {
        records = try reader.list { reader throws(SnapshotError) in try ClientRecord(from: &reader) }
        if let place = records.indices.dropFirst().first(where: { records[$0 - 1].id >= records[$0].id }) {
            throw reader.unexpected(
                "client", "one that follows '\(records[place - 1].id)'", "'\(records[place].id)'")
        }
    }
}
