/// The stage that aligns: where each row of a tensor that a contribution sent belongs.
///
/// A prompt's row belongs to the pool's prompt of its identity; one whose prompt left the pool belongs nowhere. Any other
/// tensor is one row.
struct AlignedTensor {
    /// The row of the state, and the first value of the row as it was sent and as it started.
    struct Row {
        let target, local, base: Int
    }

    let name: String
    let local: [Float]
    let base: [Float]
    let width: Int
    /// In the order in which they were sent.
    let touchedRows: [Row]

    /// Nil where the contribution lacks the tensor, or has it in another shape.
    init?(_ contribution: Contribution, _ name: String, in state: PromptState) {
        guard let local = contribution.parameters[name]?.values, let base = contribution.base.parameters[name]?.values,
            let present = state.parameters[name]?.values
        else { return nil }
        (self.name, self.local, self.base) = (name, local, base)
        if name == Parameters.prompts {
            width = state.width
            let (pool, started) = (RowIndex(state.promptIDs), RowIndex(contribution.base.promptIDs))
            touchedRows = contribution.promptIDs.enumerated().compactMap { [width] row, id in
                guard let target = pool[id], let origin = started[id] else { return nil }
                return Row(target: target, local: row * width, base: origin * width)
            }
        } else {
            guard local.count == present.count, base.count == present.count else { return nil }
            width = present.count
            touchedRows = [Row(target: 0, local: 0, base: 0)]
        }
    }

    /// What the client changed of a row.
    func moved(_ row: Row) -> [Double] {
        let (local, base) = (local[row.local..<row.local + width], base[row.base..<row.base + width])
        return zip(local, base).map { Double($0) - Double($1) }
    }
}
