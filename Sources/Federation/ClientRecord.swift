import PromptAggregation

/// What the aggregator remembers of a client.
struct ClientRecord: Hashable, Sendable {
    /// The task that the client is asked to do now.
    struct Assignment: Hashable, Sendable {
        var task: UInt64
        var version: Version
        var seed: UInt64
    }

    /// A session that said hello while another was alive. It takes over once it answers its welcome, so that a late hello
    /// of a process that is gone takes nothing over.
    struct Candidate: Hashable, Sendable {
        var session: UInt64
        var sampleCount: Int
        var heldOutCount: Int
    }

    /// A session that another took the place of.
    struct FencedSession: Hashable, Sendable {
        var session: UInt64
        /// Whether it was heard afterwards, so that there really were two.
        var wasHeard = false
    }

    let id: ClientID
    var sampleCount: Int
    /// Samples that it holds out for evaluation.
    var heldOutCount: Int
    var presence: Presence = .alive
    /// `EventClock.listened` when it was heard last.
    var heard: Int64
    var session: UInt64
    var candidate: Candidate?
    /// Oldest first; only the last few are kept.
    var fenced: [FencedSession] = []
    var current: Assignment?
    /// The first turn in which it may be asked again; 0 where clients are not asked in turn.
    var turn = 0
    /// Invalid updates since its last accepted one.
    var offences = 0
    /// Failed tasks since its last accepted update or its session's start.
    var failures = 0
    /// Why the last of them failed.
    var lastFailure = ""
    /// The newest base version among its updates in the buffer, nil when it has none there.
    var bufferedBase: Version?
    /// The newest version that it evaluated, -1 for none.
    var evaluated: Version = -1

    static let fencedKept = 8

    init(id: ClientID, session: UInt64, sampleCount: Int, heldOutCount: Int, heard: Int64) {
        self.id = id
        self.session = session
        self.sampleCount = sampleCount
        self.heldOutCount = heldOutCount
        self.heard = heard
    }

    /// Makes a session the current one; the one before may speak no more.
    mutating func begin(_ next: Candidate) {
        fenced.append(FencedSession(session: self.session))
        if fenced.count > Self.fencedKept { fenced.removeFirst() }
        session = next.session
        sampleCount = next.sampleCount
        heldOutCount = next.heldOutCount
        candidate = nil
        failures = 0
    }

    // MARK: Snapshots

    func write(to writer: inout SnapshotWriter) {
        writer.write(id.name)
        writer.write(session)
        writer.write(sampleCount)
        writer.write(heldOutCount)
        writer.write(presence.rawValue)
        writer.write(Int(heard))
        writer.write(candidate) { writer, candidate in
            writer.write(candidate.session)
            writer.write(candidate.sampleCount)
            writer.write(candidate.heldOutCount)
        }
        writer.write(fenced) { writer, fenced in
            writer.write(fenced.session)
            writer.write(fenced.wasHeard)
        }
        writer.write(current) { writer, current in
            writer.write(current.task)
            writer.write(current.version)
            writer.write(current.seed)
        }
        writer.write(offences)
        writer.write(failures)
        writer.write(lastFailure)
        writer.write(bufferedBase) { $0.write($1) }
        writer.write(evaluated)
    }

    init(from reader: inout SnapshotReader) throws(SnapshotError) {
        let counts = 0...FederationConfiguration.largestCount
        id = ClientID(try reader.text())
        session = try reader.word()
        sampleCount = try reader.integer("sample count", in: counts)
        heldOutCount = try reader.integer("held-out count", in: counts)
        let name = try reader.text()
        guard let presence = Presence(rawValue: name) else {
            throw reader.unexpected("presence", "one that there is", "'\(name)'")
        }
        self.presence = presence
        heard = Int64(try reader.integer("time of the last message", in: 0...Int.max))
        candidate = try reader.optional { reader throws(SnapshotError) in
            Candidate(
                session: try reader.word(), sampleCount: try reader.integer("sample count", in: counts),
                heldOutCount: try reader.integer("held-out count", in: counts))
        }
        fenced = try reader.list { reader throws(SnapshotError) in
            FencedSession(session: try reader.word(), wasHeard: try reader.flag())
        }
        current = try reader.optional { reader throws(SnapshotError) in
            Assignment(
                task: try reader.word(), version: try reader.integer("version of a task", in: counts),
                seed: try reader.word())
        }
        offences = try reader.integer("offences", in: counts)
        failures = try reader.integer("failures", in: counts)
        lastFailure = try reader.text()
        bufferedBase = try reader.optional { reader throws(SnapshotError) in
            try reader.integer("base version", in: counts)
        }
        evaluated = try reader.integer("evaluated version", in: -1...FederationConfiguration.largestCount)
    }
}
