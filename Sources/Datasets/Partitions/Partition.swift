import PromptAggregation

/// How a data set is divided over clients. Every image goes to exactly one client, the same one for the same seed.
public enum Partition: Hashable, Sendable {
    /// Each client gets a random sample of equal size (sizes differ by at most one).
    case iid
    /// Each class is divided over the clients by shares drawn from Dirichlet(α), drawn again until every client has at
    /// least `minimum` images (Hsu et al. 2019; the PFPT paper, section 4: α 0.5 or 0.1).
    case dirichlet(alpha: Double, minimum: Int)
    /// Each client owns a `fraction` of the classes, and `share` of every class goes evenly to its owners; the rest is
    /// spread evenly over all clients (the PFPT paper, section 4: 99 % of a client's images from 10 % of the classes).
    case imbalance(fraction: Double = 0.1, share: Double = 0.99)

    /// Draws of Dirichlet shares before it is given up.
    static let mostDraws = 10_000

    /// The positions in `labels` that each client gets, ascending.
    ///
    /// - Parameters:
    ///   - labels: the class of each image, from 0 to `classCount` − 1.
    ///   - clients: at least 1.
    /// - Throws: `DatasetError.unsuitable` when the numbers do not allow such a partition.
    public func positions(
        labels: [Int], classCount: Int, clients: Int, seed: UInt64
    ) throws(DatasetError) -> [[Int]] {
        guard clients >= 1, clients <= labels.count else {
            throw .unsuitable("data.clients: expected 1 to \(labels.count), at least one image each, found \(clients)")
        }
        let classes = try ClassPositions(labels: labels, classCount: classCount)
        var random = SeededRandom(seed: seed, stream: 0x7061_7274)
        let parts =
            switch self {
            case .iid: Self.iid(labels.count, clients, &random)
            case .dirichlet(let alpha, let minimum):
                try Self.dirichlet(classes, clients, alpha: alpha, minimum: minimum, &random)
            case .imbalance(let fraction, let share):
                try Self.imbalance(classes, clients, fraction: fraction, share: share, &random)
            }
        return parts.map { $0.sorted() }
    }

    private static func iid(_ count: Int, _ clients: Int, _ random: inout SeededRandom) -> [[Int]] {
        deal(Array(0..<count).shuffled(using: &random), over: clients)
    }

    private static func dirichlet(
        _ classes: ClassPositions, _ clients: Int, alpha: Double, minimum: Int, _ random: inout SeededRandom
    ) throws(DatasetError) -> [[Int]] {
        guard alpha.isFinite, alpha > 0 else {
            throw .unsuitable("data.alpha: expected a number above 0, found \(alpha)")
        }
        guard minimum >= 0, minimum <= classes.count / clients else {
            throw .unsuitable(
                "partition: \(classes.count) images cannot give each of \(clients) clients at least \(minimum)")
        }
        for _ in 0..<mostDraws {
            let cuts = classes.positions.map { positions in
                Self.cuts(positions.count, random.nextShares(concentration: alpha, count: clients))
            }
            let sizes = (0..<clients).map { client in cuts.reduce(0) { $0 + $1[client].count } }
            guard sizes.allSatisfy({ $0 >= minimum }) else { continue }
            var parts = [[Int]](repeating: [], count: clients)
            for (positions, cuts) in zip(classes.positions, cuts) {
                let shuffled = positions.shuffled(using: &random)
                for client in 0..<clients { parts[client] += shuffled[cuts[client]] }
            }
            return parts
        }
        throw .unsuitable(
            "partition: none of \(mostDraws) draws with alpha \(alpha) gave each of \(clients) clients at least "
                + "\(minimum) of \(classes.count) images; use a larger alpha, fewer clients, or a smaller minimum")
    }

    /// Consecutive ranges of 0..<count with the sizes of the shares, rounded down as is common.
    private static func cuts(_ count: Int, _ shares: [Double]) -> [Range<Int>] {
        var sum = 0.0
        var start = 0
        return shares.indices.map { client in
            sum += shares[client]
            let end = client == shares.count - 1 ? count : min(count, max(start, Int(sum * Double(count))))
            defer { start = end }
            return start..<end
        }
    }

    private static func imbalance(
        _ classes: ClassPositions, _ clients: Int, fraction: Double, share: Double, _ random: inout SeededRandom
    ) throws(DatasetError) -> [[Int]] {
        guard fraction > 0, fraction <= 1, share >= 0, share <= 1 else {
            throw .unsuitable("partition: expected a fraction and a share from 0 to 1, found \(fraction) and \(share)")
        }
        let classCount = classes.positions.count
        let owned = max(1, Int((fraction * Double(classCount)).rounded()))
        guard clients * owned >= classCount else {
            throw .unsuitable(
                "partition: \(clients) clients with \(owned) of \(classCount) classes each leave classes to nobody; "
                    + "use at least \((classCount + owned - 1) / owned) clients or a larger fraction")
        }
        // Dealing the classes out in turn gives each as many owners as any other, or one fewer.
        let order = Array(0..<classCount).shuffled(using: &random)
        var owners = [[Int]](repeating: [], count: classCount)
        for slot in 0..<clients * owned { owners[order[slot % classCount]].append(slot / owned) }

        var parts = [[Int]](repeating: [], count: clients)
        var spread: [Int] = []
        for (positions, owners) in zip(classes.positions, owners) {
            let shuffled = positions.shuffled(using: &random)
            let kept = Int((share * Double(shuffled.count)).rounded())
            for (owner, part) in zip(owners, deal(Array(shuffled[..<kept]), over: owners.count)) {
                parts[owner] += part
            }
            spread += shuffled[kept...]
        }
        for (client, part) in deal(spread, over: clients).enumerated() { parts[client] += part }
        return parts
    }

    /// Gives the elements out in turn.
    private static func deal(_ elements: [Int], over clients: Int) -> [[Int]] {
        (0..<clients).map { client in stride(from: client, to: elements.count, by: clients).map { elements[$0] } }
    }
}

/// The positions of each class in a list of labels.
struct ClassPositions {
    /// By class, ascending.
    let positions: [[Int]]
    var count: Int { positions.reduce(0) { $0 + $1.count } }

    init(labels: [Int], classCount: Int) throws(DatasetError) {
        var positions = [[Int]](repeating: [], count: max(0, classCount))
        for (position, label) in labels.enumerated() {
            guard positions.indices.contains(label) else {
                throw .unsuitable("expected labels from 0 to \(classCount - 1), found \(label) at position \(position)")
            }
            positions[label].append(position)
        }
        self.positions = positions
    }
}
