import Foundation
import PromptAggregation

extension ImageDataset {
    /// Divides images over clients.
    ///
    /// - Parameters:
    ///   - indices: the images to divide; nil takes all.
    ///   - bySource: whether each client holds images of one source alone; then the first clients belong to the first
    ///     source, all sources have equally many, and `partition` divides each source over its own.
    /// - Returns: the images of each client, ascending where `indices` is.
    public func partition(
        _ indices: [Int]?, _ partition: Partition, bySource: Bool = false, clients: Int, seed: UInt64
    ) throws(DatasetError) -> [[Int]] {
        let indices = try checked(indices)
        guard bySource else {
            let parts = try partition.positions(
                labels: indices.map { labels[$0] }, classCount: classCount, clients: clients, seed: seed)
            return parts.map { part in part.map { indices[$0] } }
        }
        guard clients % sources.count == 0 else {
            throw .unsuitable(
                "data.clients: expected as many for each of \(sources.count) sources, found \(clients) in all")
        }
        var parts: [[Int]] = []
        // Seeds that merely count on would divide one source as the next seed divides the one before.
        var seeds = SeededRandom(seed: seed, stream: 0x736f_7572)
        for source in sources {
            let own = indices.filter { source.images.contains($0) }
            let divided = try partition.positions(
                labels: own.map { labels[$0] - source.classes.lowerBound }, classCount: source.classes.count,
                clients: clients / sources.count, seed: seeds.next())
            parts += divided.map { part in part.map { own[$0] } }
        }
        return parts
    }

    /// What remains when the classes' sizes fall exponentially from the largest to the last, in the order of the classes
    /// (CIFAR-100-LT: Cao et al. 2019, section 4): class c of C keeps the largest size · factor^(−c / (C − 1)) images, or
    /// all that it has. The classes of each source form a tail of their own.
    ///
    /// - Parameters:
    ///   - indices: the images to choose from; nil takes all.
    ///   - factor: the first class's size over the last one's, at least 1.
    public func longTail(_ indices: [Int]? = nil, factor: Double, seed: UInt64) throws(DatasetError) -> [Int] {
        guard factor.isFinite, factor >= 1 else {
            throw .unsuitable("long tail: expected an imbalance factor of at least 1, found \(factor)")
        }
        let indices = try checked(indices)
        var random = SeededRandom(seed: seed, stream: 0x6c6f_6e67)
        var chosen = [Bool](repeating: false, count: count)
        for source in sources {
            let own = indices.filter { source.images.contains($0) }
            let classes = try ClassPositions(
                labels: own.map { labels[$0] - source.classes.lowerBound }, classCount: source.classes.count)
            let largest = classes.positions.map(\.count).max() ?? 0
            for (label, positions) in classes.positions.enumerated() {
                let fall = pow(factor, -Double(label) / Double(max(1, classes.positions.count - 1)))
                let size = max(1, Int((Double(largest) * fall).rounded()))
                for position in positions.shuffled(using: &random).prefix(size) { chosen[own[position]] = true }
            }
        }
        return indices.filter { chosen[$0] }
    }

    /// A random choice of `size` images, as many of each source; the classes of a source keep their proportions.
    ///
    /// - Parameter indices: the images to choose from; nil takes all.
    public func subset(of indices: [Int]? = nil, size: Int, seed: UInt64) throws(DatasetError) -> [Int] {
        try split(indices, first: size, seed: seed).first
    }

    /// Divides images at random into those to train with and those to validate with, as many of each source; the classes
    /// keep their proportions in both. A test split is a data set of its own and stays untouched.
    ///
    /// - Parameter validation: the number of images to validate with.
    public func trainingAndValidation(
        _ indices: [Int]? = nil, validation: Int, seed: UInt64
    ) throws(DatasetError) -> (training: [Int], validation: [Int]) {
        let parts = try split(indices, first: validation, seed: seed)
        return (parts.rest, parts.first)
    }

    /// Divides images at random into those to train with and those to hold out: of each class of each source the share,
    /// rounded, but never all of its images.
    ///
    /// - Parameter share: from 0 to 1.
    public func trainingAndHeldOut(
        share: Double, seed: UInt64
    ) throws(DatasetError) -> (training: [Int], heldOut: [Int]) {
        guard (0...1).contains(share) else {
            throw .unsuitable("\(name): expected a share from 0 to 1, found \(share)")
        }
        var random = SeededRandom(seed: seed, stream: 0x6865_6c64)
        var isHeldOut = [Bool](repeating: false, count: count)
        for source in sources {
            let classes = try ClassPositions(labels: Array(labels[source.images]), classCount: classCount)
            for positions in classes.positions where positions.count > 1 {
                let size = min(positions.count - 1, Int((Double(positions.count) * share).rounded()))
                for position in positions.shuffled(using: &random).prefix(size) {
                    isHeldOut[source.images.lowerBound + position] = true
                }
            }
        }
        return (labels.indices.filter { !isHeldOut[$0] }, labels.indices.filter { isHeldOut[$0] })
    }

    /// Each source gives as many images, the first ones one more where the number does not divide.
    private func split(
        _ indices: [Int]?, first size: Int, seed: UInt64
    ) throws(DatasetError) -> (first: [Int], rest: [Int]) {
        let indices = try checked(indices)
        guard sources.count > 1 else { return try splitByClass(indices, first: size, seed: seed) }
        var (first, rest): ([Int], [Int]) = ([], [])
        for (place, source) in sources.enumerated() {
            let share = size / sources.count + (place < size % sources.count ? 1 : 0)
            let parts = try splitByClass(
                indices.filter { source.images.contains($0) }, first: share, seed: seed, of: source.name)
            first += parts.first
            rest += parts.rest
        }
        return (first, rest)
    }

    /// Each class gives its proportion of the first part, rounded so that the sum is right (largest remainders).
    private func splitByClass(
        _ indices: [Int], first size: Int, seed: UInt64, of source: String? = nil
    ) throws(DatasetError) -> (first: [Int], rest: [Int]) {
        guard (0...indices.count).contains(size) else {
            throw .unsuitable("\(source ?? name): expected to choose 0 to \(indices.count) images, found \(size)")
        }
        let classes = try ClassPositions(labels: indices.map { labels[$0] }, classCount: classCount)
        var random = SeededRandom(seed: seed, stream: 0x7375_6273)
        var sizes = classes.positions.map { $0.count * size / max(1, indices.count) }
        let remainders = classes.positions.map { $0.count * size % max(1, indices.count) }
        let byRemainder = remainders.indices.sorted { (-remainders[$0], $0) < (-remainders[$1], $1) }
        for label in byRemainder.prefix(size - sizes.reduce(0, +)) { sizes[label] += 1 }
        var chosen = [Bool](repeating: false, count: indices.count)
        for (positions, size) in zip(classes.positions, sizes) {
            for position in positions.shuffled(using: &random).prefix(size) { chosen[position] = true }
        }
        return (
            indices.indices.filter { chosen[$0] }.map { indices[$0] },
            indices.indices.filter { !chosen[$0] }.map { indices[$0] }
        )
    }

    private func checked(_ indices: [Int]?) throws(DatasetError) -> [Int] {
        guard let indices else { return Array(0..<count) }
        if let stranger = indices.first(where: { !labels.indices.contains($0) }) {
            throw .unsuitable("\(name): expected images from 0 to \(count - 1), found \(stranger)")
        }
        return indices
    }
}
