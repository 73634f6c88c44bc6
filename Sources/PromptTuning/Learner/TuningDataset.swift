import Synchronization

/// Images to tune or evaluate on, with the prompt-free class features of those that were asked for so far: the encoder is
/// frozen, so they are computed once an image.
public final class TuningDataset: Sendable {
    public let source: any ExampleSource
    public let labels: [Int]
    let classGroups: [Range<Int>]
    private let cache = Mutex(Cache())

    private struct Cache {
        /// The encoder that the features come from.
        var encoder: FrozenEncoder?
        var features: [[Float]?] = []
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
            if cache.encoder !== encoder {
                cache = Cache(encoder: encoder, features: [[Float]?](repeating: nil, count: labels.count))
            }
            for (image, values) in features { cache.features[image] = values }
        }
    }
}
