extension SnapshotReader {
    /// Values of a displacement that is laid out as `layout`.
    mutating func displacement(like layout: Displacement) throws(SnapshotError) -> [[Float]] {
        let lists = try list { reader throws(SnapshotError) in try reader.floats("displacement") }
        try check(lists.map(\.count), layout)
        return lists
    }

    /// Values for each of a displacement that is laid out as `layout`.
    mutating func moments(like layout: Displacement) throws(SnapshotError) -> [[Double]] {
        let lists = try list { reader throws(SnapshotError) in try reader.doubles("moments") }
        try check(lists.map(\.count), layout)
        return lists
    }

    private func check(_ counts: [Int], _ layout: Displacement) throws(SnapshotError) {
        let expected = layout.tensors.map(\.count)
        guard counts == expected else { throw unexpected("lists of values", "\(expected) values", "\(counts)") }
    }
}
