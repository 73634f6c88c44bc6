/// The last displacement h_i of every client, and Σ_i h_i, which changes by what is new and is not made of all of them again.
///
/// Each change of the sum rounds by at most 2⁻⁵³ of the largest value that it had meanwhile. After as many changes as
/// there are clients the sum is made of all of them, in their order. So its error is that of a sum of three times as many
/// values, and a change costs what three additions cost, however many clients there are.
///
/// What a client's huge displacement leaves in the sum when it is replaced is 2⁻⁵³ of it. The displacement itself went
/// into the state whole, so this is never what matters.
struct DisplacementCache: Sendable {
    private var table = ClientTable<CachedDisplacement>()
    /// Σ_i h_i. Part of a snapshot: its bits depend on the order of the changes.
    private(set) var sum: Displacement
    /// The displacements that were added or replaced since the sum was made of all.
    private var changes = 0

    init(like state: PromptState) { sum = Displacement(like: state) }

    var count: Int { table.count }

    subscript(client: ClientID) -> CachedDisplacement? { table[client] }

    /// - Parameter contributions: at most one of each client.
    mutating func replace(by contributions: [Contribution], like state: PromptState) {
        let strangers = contributions.count { table[$0.client] == nil }
        changes += contributions.count
        let isDue = changes >= table.count + strangers
        var room = Displacement(like: state)
        for contribution in contributions {
            let next = CachedDisplacement(of: contribution, room: &room, like: state)
            if !isDue {
                table[contribution.client]?.add(to: &sum, weight: -1)
                next.add(to: &sum, weight: 1)
            }
            table[contribution.client] = next
        }
        guard isDue else { return }
        // Zeros before and after its use.
        sum = room
        for row in table { row.value.add(to: &sum, weight: 1) }
        changes = 0
    }

    func write(to writer: inout SnapshotWriter) {
        table.write(to: &writer) { $1.write(to: &$0, like: sum) }
        writer.write(sum.tensors)
        writer.write(changes)
    }

    init(from reader: inout SnapshotReader, like state: PromptState) throws(SnapshotError) {
        let layout = Displacement(like: state)
        table = try ClientTable(from: &reader) { reader throws(SnapshotError) in
            CachedDisplacement(try reader.displacement(like: layout), like: state)
        }
        sum = layout
        sum.tensors = try reader.moments(like: layout)
        changes = try reader.counter("changes of the displacements' sum")
    }
}
