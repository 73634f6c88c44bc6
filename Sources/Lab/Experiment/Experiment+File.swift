import Charts
import Foundation
import RunSettings
import Text
import Yams

extension Experiment {
    /// Reads an experiment file (docs/comparing.md describes it).
    /// - Throws: `ConfigurationError` with the line and the key of what is wrong.
    public init(file path: String) throws {
        let yaml = try ConfigurationLayers.text(of: path, "the experiment file")
        let name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
        try self.init(yaml: yaml, path: path, name: name)
    }

    /// - Parameters:
    ///   - path: names the file in errors.
    ///   - name: of the experiment.
    init(yaml: String, path: String, name: String) throws {
        guard let root = try YAMLDocument.root(of: yaml, name: path) else {
            throw ConfigurationError("\(path): expected an experiment, found nothing")
        }
        let file = ExperimentNode(root, key: "", file: path)
        let parts = try file.members(
            of: ["base", "axes", "seeds", "tune", "exclude", "compare", "targets"], required: ["axes", "seeds"])
        self.name = name
        base = try parts["base"]?.layers() ?? ConfigurationLayers()
        axes = try parts["axes"]!.entries().map { try Axis($0.name, $0.node) }
        try Self.checkApart(axes)
        let seeds = try parts["seeds"]!.list().map { try $0.seed() }
        guard !seeds.isEmpty, Set(seeds).count == seeds.count else {
            throw parts["seeds"]!.error("expected one or more seeds, each once")
        }
        self.seeds = seeds
        let axes = axes
        tuning = try parts["tune"].map { try Tuning($0, axes: axes, reported: seeds) }
        exclusions = try parts["exclude"]?.list().map { try Selection($0, axes: axes) } ?? []
        comparisons = try parts["compare"]?.list().flatMap { try Comparison.all($0, axes: axes) } ?? []
        targets = try parts["targets"]?.list().map { try $0.share() }.sorted() ?? []
        for layers in [base] + axes.flatMap({ $0.points.map(\.layers) }) {
            if let seed = layers.settings["run.seed"] {
                throw ConfigurationError("\(seed.source): run.seed: expected none, seeds sets it for each run")
            }
        }
        try check()
    }

    /// Two axes may not both set a key: their order would decide silently.
    private static func checkApart(_ axes: [Axis]) throws {
        for (place, axis) in axes.enumerated() {
            let earlier = axes[..<place].flatMap { axis in axis.points.map { (axis.name, $0.layers.settings) } }
            for (key, setting) in axis.points.flatMap({ $0.layers.settings.sorted { $0.key < $1.key } }) {
                guard let other = earlier.first(where: { $0.1[key] != nil }) else { continue }
                throw ConfigurationError(
                    "\(setting.source): \(key): expected a key of one axis alone, found it also on axis \(other.0)")
            }
        }
    }
}

extension Experiment.Axis {
    fileprivate init(_ name: String, _ node: ExperimentNode) throws {
        try node.checkName(name)
        self.name = name
        points = try node.entries().map { entry in
            try entry.node.checkName(entry.name)
            return .init(name: entry.name, layers: try entry.node.layers())
        }
        guard !points.isEmpty else { throw node.error("expected one or more points, each with the keys that it sets") }
    }
}

extension Experiment.Tuning {
    fileprivate init(_ node: ExperimentNode, axes: [Experiment.Axis], reported: [UInt64]) throws {
        let parts = try node.members(of: ["key", "values", "seeds", "at"], required: ["key", "values", "seeds"])
        key = try parts["key"]!.text()
        source = parts["values"]!.source
        values = try parts["values"]!.list().map { try $0.text() }
        guard !values.isEmpty else { throw parts["values"]!.error("expected one or more values") }
        seeds = try parts["seeds"]!.list().map { try $0.seed() }
        guard !seeds.isEmpty, Set(seeds).isDisjoint(with: reported) else {
            throw parts["seeds"]!.error("expected one or more seeds, none of them among the reported ones")
        }
        fixed = try parts["at"].map { try Experiment.Selection($0, axes: axes) } ?? Experiment.Selection()
        if fixed.points.contains(where: { $0.points.count != 1 }) {
            throw parts["at"]!.error("expected one point of each axis")
        }
        for point in axes.flatMap(\.points) {
            guard let setting = point.layers.settings[key] else { continue }
            throw ConfigurationError("\(setting.source): \(key): expected none, tune sets it")
        }
    }
}

extension Experiment.Selection {
    fileprivate init(_ node: ExperimentNode, axes: [Experiment.Axis]) throws {
        points = try node.entries().map { entry in
            try Experiment.points(
                entry.node.textOrList(), of: entry.name, among: axes, source: entry.node.source)
        }
        guard !points.isEmpty else { throw node.error("expected one or more axes, each with a point or several") }
    }
}

extension Experiment.Comparison {
    fileprivate static func all(_ node: ExperimentNode, axes: [Experiment.Axis]) throws -> [Self] {
        try node.entries().map { entry in
            let (axis, points) = try Experiment.points(
                entry.node.textOrList(), of: entry.name, among: axes, source: entry.node.source)
            guard points.count >= 2, Set(points).count == points.count else {
                throw entry.node.error("expected two or more points, each once")
            }
            return Self(axis: axis, first: points[0], others: Array(points.dropFirst()))
        }
    }
}

/// A node of an experiment file with its key and line, for errors.
private struct ExperimentNode {
    let node: Node
    /// With the keys that it stands in.
    let key: String
    let file: String

    init(_ node: Node, key: String, file: String) {
        self.node = node
        self.key = key
        self.file = file
    }

    var source: String { node.mark.map { "\(file):\($0.line)" } ?? file }

    func error(_ problem: String) -> ConfigurationError {
        ConfigurationError(key.isEmpty ? "\(source): \(problem)" : "\(source): \(key): \(problem)")
    }

    func entries() throws -> [(name: String, node: ExperimentNode)] {
        guard case .mapping(let mapping) = node else { throw error("expected names with values below, found \(kind)") }
        return try mapping.map { name, value in
            guard let text = name.string else { throw error("expected a name as key, found \(name)") }
            return (text, ExperimentNode(value, key: key.isEmpty ? text : "\(key).\(text)", file: file))
        }
    }

    /// The parts that a mapping may have; one without a value is as if it were not there.
    func members(of known: [String], required: [String]) throws -> [String: ExperimentNode] {
        guard case .mapping(let mapping) = node else { throw error("expected names with values below, found \(kind)") }
        for name in mapping.keys where !known.contains(name.string ?? "") {
            let found = name.string ?? "\(name)"
            throw ExperimentNode(name, key: key, file: file).error(
                "expected one of \(known.joined(separator: ", ")), found '\(found)'\(suggestion(for: found, among: known))"
            )
        }
        let members = Dictionary(
            try entries().filter { !$0.node.isUnset }.map { ($0.name, $0.node) }, uniquingKeysWith: { $1 })
        if let missing = required.first(where: { members[$0] == nil }) {
            throw error("expected \(key.isEmpty ? missing : "\(key).\(missing)"), found none")
        }
        return members
    }

    func list() throws -> [ExperimentNode] {
        guard case .sequence(let sequence) = node else { throw error("expected a list, found \(kind)") }
        return sequence.map { ExperimentNode($0, key: key, file: file) }
    }

    func text() throws -> String {
        guard case .scalar(let scalar) = node else { throw error("expected a single value, found \(kind)") }
        return scalar.string
    }

    func textOrList() throws -> [String] {
        if case .sequence = node { return try list().map { try $0.text() } }
        return [try text()]
    }

    func seed() throws -> UInt64 {
        let text = try text()
        guard let seed = UInt64(text) else { throw error("expected whole numbers from 0, found '\(text)'") }
        return seed
    }

    func share() throws -> Double {
        let text = try text()
        guard let share = Double(text), share > 0, share <= 1 else {
            throw error("expected accuracies above 0, up to 1, found '\(text)'")
        }
        return share
    }

    /// Whether it has no value, or null.
    private var isUnset: Bool {
        guard case .scalar(let scalar) = node, scalar.style == .plain else { return false }
        return scalar.string.isEmpty || ConfigurationLayers.isNull(scalar.string)
    }

    /// The configuration keys that it sets.
    func layers() throws -> ConfigurationLayers {
        var layers = ConfigurationLayers()
        if isUnset { return layers }
        try layers.add(node, name: file)
        return layers
    }

    /// Names become parts of files' names.
    func checkName(_ name: String) throws {
        let isPlain = name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-.+".contains($0)) }
        guard isPlain, !name.isEmpty, !name.hasPrefix(".") else {
            throw error("expected a name of letters, digits, '-', '+' and '.', found '\(name)'")
        }
    }

    private var kind: String {
        switch node {
        case .mapping: "names with values"
        case .sequence: "a list"
        case .scalar(let scalar): "'\(scalar.string)'"
        case .alias: "an alias"
        }
    }
}
