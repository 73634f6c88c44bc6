import PromptAggregation

extension ImageDataset {
    /// Divides images over clients.
    ///
    /// - Parameter indices: the images to divide; nil takes all.
    /// - Returns: the images of each client, ascending where `indices` is.
    public func partition(
        _ indices: [Int]?, _ partition: Partition, clients: Int, seed: UInt64
    ) throws(DatasetError) -> [[Int]] {
        let indices = try checked(indices)
        let parts = try partition.positions(
            labels: indices.map { labels[$0] }, classCount: classCount, clients: clients, seed: seed)
        return parts.map { part in part.map { indices[$0] } }
    }

    /// A random choice of `size` images with the classes in the same proportions as before.
    ///
    /// - Parameter indices: the images to choose from; nil takes all.
    public func subset(of indices: [Int]? = nil, size: Int, seed: UInt64) throws(DatasetError) -> [Int] {
        try split(indices, first: size, seed: seed).first
    }

    /// Divides images at random into those to train with and those to validate with; the classes keep their
    /// proportions in both. A test split is a data set of its own and stays untouched.
    ///
    /// - Parameter validation: the number of images to validate with.
    public func trainingAndValidation(
        _ indices: [Int]? = nil, validation: Int, seed: UInt64
    ) throws(DatasetError) -> (training: [Int], validation: [Int]) {
        let parts = try split(indices, first: validation, seed: seed)
        return (parts.rest, parts.first)
    }

    /// Each class gives its proportion of the first part, rounded so that the sum is right (largest remainders).
    private func split(
        _ indices: [Int]?, first size: Int, seed: UInt64
    ) throws(DatasetError) -> (first: [Int], rest: [Int]) {
        let indices = try checked(indices)
        guard (0...indices.count).contains(size) else {
            throw .unsuitable("\(name): expected to choose 0 to \(indices.count) images, found \(size)")
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
