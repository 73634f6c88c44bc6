/// Averaging with each client's last displacement at hand, so that a flush of a few clients does not pull the state
/// towards their data alone (CA2FL, Wang et al., ICLR 2024, algorithm 1):
///
///     v = h + Σ_{t in flush} w_t (Δ_t − h_t),   h = Σ_u n_u h_u / Σ_u n_u over all known clients u
///
/// Deviation: a client that is heard for the first time enters h with its own displacement at once. The paper starts from
/// h_t = 0 and divides by all clients from the beginning, which makes the first steps too long here, where the number of
/// clients is not known beforehand.
struct CachedCalibration: Hashable, Sendable {
    private struct Entry: Hashable, Sendable {
        var displacement: [[Float]]
        var weight: Double
        /// The flush at which it came.
        var arrived: Int
    }

    private var entries = ClientTable<Entry>()

    /// Σ_u n_u s_u over the clients whose displacements are at hand.
    var weight: Double { entries.reduce(0) { $0 + $1.value.weight } }

    /// The displacement to apply for a flush, after which the cache holds the flush's own displacements.
    ///
    /// - Parameters:
    ///   - contributions: at most one a client, ascending by client.
    ///   - weights: n_t s_t of each, at least 0.
    ///   - flush: the number of this flush.
    ///   - horizon: displacements that came this many flushes ago or earlier are forgotten.
    mutating func step(
        _ contributions: [Contribution], weights: [Double], flush: Int, horizon: Int, like state: PromptState,
        including isIncluded: (String) -> Bool
    ) -> Displacement {
        entries.removeAll { flush - $0.arrived >= horizon }
        let counting = contributions.indices.filter { weights[$0] > 0 }
        let known = counting.map { entries.place(of: contributions[$0].client) }
        let total =
            weight
            + zip(counting, known).reduce(0) { $0 + ($1.1 == nil ? weights[$1.0] : 0) }
        let inFlush = shares(weights)

        var sum = Displacement(like: state, including: isIncluded)
        for entry in entries { sum.add(entry.value.displacement, weight: entry.value.weight / total) }
        for (place, cached) in zip(counting, known) {
            let weight = cached == nil ? weights[place] / total : inFlush[place]
            sum.add(contributions[place], weight: weight, like: state, including: isIncluded)
            if let cached { sum.add(entries[cached].value.displacement, weight: -inFlush[place]) }
        }
        for place in counting { remember(contributions[place], weights[place], flush, state, isIncluded) }
        return sum
    }

    private mutating func remember(
        _ contribution: Contribution, _ weight: Double, _ flush: Int, _ state: PromptState,
        _ isIncluded: (String) -> Bool
    ) {
        var displacement = Displacement(like: state, including: isIncluded)
        displacement.add(contribution, weight: 1, like: state, including: isIncluded)
        entries[contribution.client] = Entry(
            displacement: displacement.tensors.map { $0.map { Float(saturating: $0) } }, weight: weight, arrived: flush)
    }

    func write(to writer: inout SnapshotWriter) {
        entries.write(to: &writer) { writer, entry in
            writer.write(entry.displacement)
            writer.write(entry.weight)
            writer.write(entry.arrived)
        }
    }

    /// - Parameters:
    ///   - layout: of the displacements that `step` gives.
    ///   - flush: the number of the next one.
    mutating func read(from reader: inout SnapshotReader, like layout: Displacement, flush: Int) throws(SnapshotError) {
        entries = try ClientTable(from: &reader) { reader throws(SnapshotError) in
            Entry(
                displacement: try reader.displacement(like: layout),
                weight: try reader.number("weight", in: 0...Double(Int.max)),
                arrived: try reader.integer("flush of arrival", in: 0...flush))
        }
    }
}
