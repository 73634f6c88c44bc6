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
    /// What they are: `images` or `texts`.
    public var examples: String
    /// How prompts are picked; the figures are of this.
    public var selection: PromptSelectionRule
    public var accuracy: Double
    /// The figures under the other rule; nil where they are the same, as where the whole pool is used.
    public var otherSelection: OtherSelection?

    public struct OtherSelection: Encodable, Sendable {
        public var selection: PromptSelectionRule
        public var accuracy: Double
        public var balancedAccuracy: Double
        public var loss: Double
    }
    /// The mean of the classes' accuracies.
    public var balancedAccuracy: Double
    /// The mean cross-entropy.
    public var loss: Double
    public var classes: [ClassEntry]

    /// Replays a log up to a version and evaluates it, with the data and the encoder that the run's configuration names.
    ///
    /// - Parameters:
    ///   - version: nil for the last one.
    ///   - selection: how prompts are picked; nil as the run's configuration says.
    /// - Throws: `LogError`, `ReplayError`, `ConfigurationError`, or what is wrong with data or encoder.
    public init(log path: String, version: Version?, split: Split, selection: PromptSelectionRule? = nil, threads: Int)
        throws
    {
        let replay = try Replay(path: path, until: version) { step in
            guard case .checked(let publication) = step, !publication.isEqual else { return }
            throw ReplayError("\(path): version \(publication.version) does not replay to its recorded digest")
        }
        let current = replay.aggregator!.current
        guard version == nil || current.version == version else {
            throw ReplayError("\(path): the log ends at version \(current.version) and has no \(version!)")
        }
        let configuration = replay.configuration!
        let held = try HeldOutImages(split, of: configuration, log: path, threads: threads)
        self.selection = selection ?? held.selection
        let evaluation = try held.evaluate(current.state, self.selection)
        let rule: PromptSelectionRule = self.selection == .instance ? .batch : .instance
        // Without picks the rules are one.
        if held.picks, case let other = try held.evaluate(current.state, rule), other != evaluation {
            otherSelection = OtherSelection(
                selection: rule, accuracy: other.accuracy, balancedAccuracy: other.balancedAccuracy, loss: other.loss)
        }
        log = path
        self.version = current.version
        self.split = split
        images = evaluation.count
        examples = held.examples
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
        var table = TextTable(["class", examples, "right", "accuracy"])
        for entry in classes {
            table.add([entry.name, "\(entry.images)", "\(entry.hits)", entry.accuracy.map(percent) ?? "-"])
        }
        var lines = [
            "version \(version) on \(images) \(split.rawValue) \(examples), prompts picked by \(selection.rawValue)",
            "accuracy           \(percent(accuracy))",
            "balanced accuracy  \(percent(balancedAccuracy))",
            "loss               \(decimal(loss, 4))",
        ]
        if let other = otherSelection {
            lines.append(
                "picked by \(other.selection.rawValue): accuracy \(percent(other.accuracy)), balanced"
                    + " \(percent(other.balancedAccuracy)), loss \(decimal(other.loss, 4))")
        }
        return lines + [""] + table.lines
    }
}
