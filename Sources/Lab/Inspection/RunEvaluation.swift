import Federation
import FederationRun
import PromptAggregation
import PromptTuning
import RunLog
import RunSettings
import Text

/// How well a version of a run classifies held-out images, class by class.
public struct RunEvaluation: Encodable, Sendable {
    public typealias Split = HeldOutImages.Split

    public struct ClassEntry: Encodable, Sendable {
        public var name: String
        public var images: Int
        /// Images that were classified right.
        public var hits: Int
        /// nil without images.
        public var accuracy: Double?
    }

    public var log: String
    public var version: Int
    public var split: Split
    public var images: Int
    public var accuracy: Double
    /// The mean of the classes' accuracies.
    public var balancedAccuracy: Double
    /// The mean cross-entropy.
    public var loss: Double
    public var classes: [ClassEntry]

    /// Replays a log up to a version and evaluates it, with the data and the encoder that the run's configuration names.
    ///
    /// - Parameter version: nil for the last one.
    /// - Throws: `LogError`, `ReplayError`, `ConfigurationError`, or what is wrong with data or encoder.
    public init(log path: String, version: Version?, split: Split, threads: Int) throws {
        let replay = try Replay(path: path, until: version) { step in
            guard case .checked(let publication) = step, !publication.isEqual else { return }
            throw ReplayError("\(path): version \(publication.version) does not replay to its recorded digest")
        }
        let current = replay.aggregator!.current
        guard version == nil || current.version == version else {
            throw ReplayError("\(path): the log ends at version \(current.version) and has no \(version!)")
        }
        let configuration = replay.configuration!
        let evaluation = try HeldOutImages(split, of: configuration, log: path, threads: threads)
            .evaluate(current.state)
        log = path
        self.version = current.version
        self.split = split
        images = evaluation.count
        accuracy = evaluation.accuracy
        balancedAccuracy = evaluation.balancedAccuracy
        loss = evaluation.loss
        classes = try configuration.data.classNames.enumerated().map { index, name in
            ClassEntry(
                name: name, images: evaluation.classCounts[index], hits: evaluation.classHits[index],
                accuracy: evaluation.classAccuracy[index])
        }
    }

    /// A table of the classes under the figures of all.
    public var lines: [String] {
        var table = TextTable(["class", "images", "right", "accuracy"])
        for entry in classes {
            table.add([entry.name, "\(entry.images)", "\(entry.hits)", entry.accuracy.map(percent) ?? "-"])
        }
        return [
            "version \(version) on \(images) \(split.rawValue) images",
            "accuracy           \(percent(accuracy))",
            "balanced accuracy  \(percent(balancedAccuracy))",
            "loss               \(decimal(loss, 4))", "",
        ] + table.lines
    }
}
