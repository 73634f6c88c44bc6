/// Where each identity stands in a list. For look-up alone: nothing ever walks over it.
package struct RowIndex {
    private var rows: [PromptID: Int] = [:]

    package init(_ ids: [PromptID]) {
        rows.reserveCapacity(ids.count)
        for (row, id) in ids.enumerated() { rows[id] = row }
    }

    package subscript(id: PromptID) -> Int? { rows[id] }
}
