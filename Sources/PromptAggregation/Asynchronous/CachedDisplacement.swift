/// What a client's contribution changed, for a strategy that remembers it for every client: of the pool the rows that it
/// touched alone.
struct CachedDisplacement: Hashable, Sendable {
    /// Some values of a tensor, of which all others are 0.
    private struct Part: Hashable, Sendable {
        /// The first value of each block, ascending.
        var starts: [Int]
        /// All blocks, equally long.
        var values: [Float]
        var block: Int { starts.isEmpty ? 0 : values.count / starts.count }

        /// A tensor's values with the zeros.
        func all(_ count: Int) -> [Float] {
            var all = [Float](repeating: 0, count: count)
            for (place, start) in starts.enumerated() {
                for offset in 0..<block { all[start + offset] = values[place * block + offset] }
            }
            return all
        }

        func add(to sum: inout [Double], weight: Double) {
            let (values, block) = (values.span, block)
            var sum = sum.mutableSpan
            for (place, start) in starts.enumerated() {
                let own = values.extracting(place * block..<(place + 1) * block)
                precondition(start >= 0 && start + block <= sum.count)
                for index in own.indices {
                    sum[unchecked: start + index] += weight * Double(own[unchecked: index])
                }
            }
        }
    }

    /// In the order of the state's entries.
    private var parts: [Part] = []

    /// - Parameter room: zeros, laid out as the state, before and afterwards.
    init(of contribution: Contribution, room: inout Displacement, like state: PromptState) {
        room.add(contribution, weight: 1, like: state)
        let pool = RowIndex(state.promptIDs)
        let touched = contribution.promptIDs.compactMap { pool[$0] }.sorted()
        for (place, entry) in state.parameters.entries.enumerated() {
            let isPool = entry.name == Parameters.prompts
            let block = isPool ? state.width : room.tensors[place].count
            var part = Part(starts: [], values: [])
            for start in (isPool ? touched.map { $0 * block } : [0]) where block > 0 {
                // A copy, not a slice: what is held twice is copied whole before it changes.
                let values = room.tensors[place][start..<start + block].map { Float(saturating: $0) }
                if isPool && values.allSatisfy({ $0 == 0 }) { continue }
                part.starts.append(start)
                part.values += values
                for index in start..<start + block { room.tensors[place][index] = 0 }
            }
            parts.append(part)
        }
    }

    /// - Parameter tensors: all values, laid out as the state.
    init(_ tensors: [[Float]], like state: PromptState) {
        parts = zip(state.parameters.entries, tensors).map { entry, values in
            let isPool = entry.name == Parameters.prompts && state.width > 0
            let block = isPool ? state.width : max(values.count, 1)
            let starts = stride(from: 0, to: values.count, by: block).filter { start in
                !isPool || values[start..<start + block].contains { $0 != 0 }
            }
            return Part(starts: starts, values: starts.flatMap { values[$0..<$0 + block] })
        }
    }

    /// All values, laid out as the state, of which one tensor at a time is in memory as a whole.
    func write(to writer: inout SnapshotWriter, like layout: Displacement) {
        writer.write(Array(zip(parts, layout.tensors))) { writer, pair in
            let (part, count) = (pair.0, pair.1.count)
            writer.write(floats: count) { part.all(count) }
        }
    }

    /// Adds `weight` times these values.
    func add(to displacement: inout Displacement, weight: Double) {
        for (tensor, part) in parts.enumerated() { part.add(to: &displacement.tensors[tensor], weight: weight) }
    }
}
