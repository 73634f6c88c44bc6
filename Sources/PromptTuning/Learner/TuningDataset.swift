import Synchronization

/// Images to tune or evaluate on. The encoder is frozen, so what it makes of an image without prompts is computed once and
/// kept: the class features, and within the encoder's budget the rows that the blocks before the prompts make.
public final class TuningDataset: Sendable {
    public let source: any ExampleSource
    public let labels: [Int]
    let classGroups: [Range<Int>]
    private let cache = Mutex(Cache())

    private struct Cache {
        /// The encoder that the features come from.
        var encoder: FrozenEncoder?
        var features: [[Float]?] = []
        /// By the block that comes next, then by image. What is kept stays: a cache that made room for the latest images
        /// would have none of those that an epoch begins with.
        var rows: [Int: [KeptMemory?]] = [:]

        /// Forgets what another encoder made.
        mutating func serve(_ encoder: FrozenEncoder, images: Int) {
            if self.encoder === encoder { return }
            self = Cache(encoder: encoder, features: [[Float]?](repeating: nil, count: images))
        }
    }

    /// - Throws: `TuningError.labelCount` when there is not one label an image.
    public init(_ source: any ExampleSource) throws(TuningError) {
        let labels = source.labels
        guard labels.count == source.count else {
            throw .labelCount(images: source.count, labels: labels.count)
        }
        self.source = source
        self.labels = labels
        classGroups = source.classGroups
    }

    public var count: Int { labels.count }

    /// Whether no class of the label's group has a larger logit, of those before it also none an equal one.
    ///
    /// - Parameter logits: [classes], of any base index.
    func isHitAmongItsGroup(_ label: Int, _ logits: ArraySlice<Float>) -> Bool {
        guard let group = classGroups.first(where: { $0.contains(label) }) else { return false }
        let own = logits[logits.startIndex + label]
        return group.allSatisfy { other in
            let value = logits[logits.startIndex + other]
            return other < label ? value < own : value <= own
        }
    }

    /// The class features that are known of these images, nil for those that are not.
    func classFeatures(of images: [Int], encoder: FrozenEncoder) -> [[Float]?] {
        cache.withLock { cache in
            guard cache.encoder === encoder else { return images.map { _ in nil } }
            return images.map { cache.features[$0] }
        }
    }

    /// Keeps class features, [width] an image.
    func keep(_ features: [(image: Int, values: [Float])], encoder: FrozenEncoder) {
        cache.withLock { cache in
            cache.serve(encoder, images: count)
            for (image, values) in features { cache.features[image] = values }
        }
    }

    /// What is kept of these images of the blocks before `block`.
    func frozenRows(of images: [Int], before block: Int, encoder: FrozenEncoder) -> [FloatMemory?] {
        cache.withLock { cache in
            guard cache.encoder === encoder, let rows = cache.rows[block] else { return images.map { _ in nil } }
            return images.map { rows[$0]?.memory }
        }
    }

    /// Keeps what the blocks before `block` make of images, while there is room.
    func keep(_ rows: [(image: Int, memory: FloatMemory)], before block: Int, encoder: FrozenEncoder) {
        cache.withLock { cache in
            cache.serve(encoder, images: count)
            var known = cache.rows.removeValue(forKey: block) ?? [KeptMemory?](repeating: nil, count: count)
            for (image, memory) in rows where known[image] == nil {
                known[image] = encoder.cache.kept(memory)
                if known[image] == nil, !cache.rows.isEmpty {
                    // Of other runs on these images, whose prompts enter elsewhere.
                    cache.rows = [:]
                    known[image] = encoder.cache.kept(memory)
                }
            }
            cache.rows[block] = known
        }
    }
}
