/// Counts problems by kind and party, so that a log gets the first of each and then each doubling of its count, however
/// many there are.
struct Complaints {
    private var counts: [String: Int] = [:]

    /// Kinds that are counted apart. Whoever sends ever new ones shares one count with all others that come later.
    private static let capacity = 1000
    private static let others = ""

    /// - Returns: how many of the kind there were, nil where this one need not be logged.
    mutating func note(_ kind: String) -> Int? {
        let key = counts[kind] != nil || counts.count < Self.capacity ? kind : Self.others
        counts[key, default: 0] += 1
        let count = counts[key]!
        return count.isWorthTelling ? count : nil
    }
}
