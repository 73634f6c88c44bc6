import Datasets
import RunSettings
import Text

/// What a data set holds and what is wrong with it.
public struct DatasetDescription: Sendable {
    public struct Split: Sendable {
        public var name: String
        public var images: Int
        /// By class.
        public var counts: [Int]
        /// Extents and how many images have them, the most frequent first.
        public var shapes: [(shape: ImageShape, images: Int)]
        /// Characters of the texts, ascending; empty for images.
        public var lengths: [Int]
        /// Images that cannot be read, with the reason.
        public var damage: [String]
        /// What was left out, and why.
        public var omitted: [String]
    }

    public let classNames: [String]
    public let splits: [Split]

    /// Reads every image of both splits.
    /// - Throws: what makes a split as a whole unusable, such as files that are missing or cut short.
    public init(of configuration: RunConfiguration) throws {
        let source = configuration.data
        classNames = try source.classNames
        splits = try KnownDataset.Split.allCases.map { split in
            try Self.describe(source.name.load(split, from: source.folders), split)
        }
    }

    private static func describe(_ images: ImageDataset, _ split: KnownDataset.Split) -> Split {
        var counts = [Int](repeating: 0, count: images.classCount)
        var shapes: [ImageShape: Int] = [:]
        var damage: [String] = []
        var lengths: [Int] = []
        for index in 0..<images.count {
            counts[images.labels[index]] += 1
            if let text = try? images.text(of: index) {
                lengths.append(text.count)
                continue
            }
            do {
                let shape = try images.withPixels(of: index) { _, shape in shape }
                shapes[shape, default: 0] += 1
            } catch {
                damage.append("\(error)")
            }
        }
        let ordered = shapes.sorted { (-$0.value, "\($0.key)") < (-$1.value, "\($1.key)") }
        return Split(
            name: split.rawValue, images: images.count, counts: counts,
            shapes: ordered.map { (shape: $0.key, images: $0.value) }, lengths: lengths.sorted(), damage: damage,
            omitted: images.omitted.map(\.description))
    }

    /// How many shapes and damages are listed one by one.
    private static let mostTold = 10

    public var lines: [String] {
        var lines: [String] = []
        for split in splits {
            if let least = split.lengths.first, let most = split.lengths.last {
                lines.append(
                    "\(split.name): \(split.images) texts of \(least) to \(most) characters, half of them up to"
                        + " \(split.lengths[split.lengths.count / 2])")
                continue
            }
            let shapes = split.shapes.prefix(Self.mostTold).map { "\($0.images) of \($0.shape)" }
            let more =
                split.shapes.count > Self.mostTold ? ", and \(split.shapes.count - Self.mostTold) other shapes" : ""
            lines.append("\(split.name): \(split.images) images, \(shapes.joined(separator: ", "))\(more)")
        }
        var table = TextTable(["class"] + splits.map(\.name))
        for (label, name) in classNames.enumerated() {
            table.add(["\(label) \(name)"] + splits.map { "\($0.counts[label])" })
        }
        lines += [""] + table.lines
        if let doubt = ClassList.doubt(about: classNames) { lines += ["", "classes: \(doubt)"] }
        for split in splits where !split.omitted.isEmpty {
            lines += [""] + split.omitted.map { "\(split.name): \($0)" }
        }
        for split in splits where !split.damage.isEmpty {
            lines += ["", "\(split.name): \(split.damage.count) images cannot be read"]
            lines += split.damage.prefix(Self.mostTold).map { "  \($0)" }
            if split.damage.count > Self.mostTold { lines.append("  and \(split.damage.count - Self.mostTold) more") }
        }
        return lines
    }

    public var isDamaged: Bool { splits.contains { !$0.damage.isEmpty } }
}
