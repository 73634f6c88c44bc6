import Charts
import Federation
import Foundation
import RunSettings

/// A grid of simulated runs, as an experiment file describes it: what all runs have in common, axes whose points change
/// some keys, and seeds.
public struct Experiment: Sendable {
    /// One way to set some keys.
    struct Point: Sendable {
        package var name: String
        package var layers: ConfigurationLayers
    }

    package struct Axis: Sendable {
        package var name: String
        var points: [Point]
    }

    /// A key whose value is chosen by the validation accuracy at the end of runs with seeds of their own.
    struct Tuning: Sendable {
        package var key: String
        package var values: [String]
        package var seeds: [UInt64]
        /// Axes that the choice does not depend on, and the point at which it is made.
        var fixed: Selection
        package var source: String
    }

    /// Points of some axes; a cell belongs to it that has one of them on each of these axes.
    public struct Selection: Sendable {
        package var points: [(axis: Int, points: [Int])] = []

        public init() {}

        package func contains(_ cell: Cell) -> Bool { points.allSatisfy { $0.points.contains(cell.points[$0.axis]) } }
    }

    /// Points of an axis whose runs are compared pair by pair, the first with each other.
    struct Comparison: Sendable {
        package var axis: Int
        package var first: Int
        package var others: [Int]
    }

    /// A cell of the grid: a point of each axis.
    package struct Cell: Hashable, Sendable {
        package var points: [Int]
    }

    /// The file's name without its ending.
    public let name: String
    package let base: ConfigurationLayers
    package let axes: [Axis]
    package let seeds: [UInt64]
    let tuning: Tuning?
    let exclusions: [Selection]
    let comparisons: [Comparison]
    /// Validation accuracies whose first reaching is reported, ascending.
    package let targets: [Double]

    /// All places of the grid but the excluded ones, the first axis outermost.
    package var cells: [Cell] {
        var cells = [Cell(points: [])]
        for axis in axes {
            cells = cells.flatMap { cell in axis.points.indices.map { Cell(points: cell.points + [$0]) } }
        }
        return cells.filter { cell in !exclusions.contains { $0.contains(cell) } }
    }

    /// The names of a cell's points.
    package func names(of cell: Cell) -> [String] { zip(axes, cell.points).map { $0.points[$1].name } }

    /// The cell at which the tuned value of another one is chosen.
    func tuningCell(of cell: Cell) -> Cell {
        var cell = cell
        for (axis, points) in tuning?.fixed.points ?? [] { cell.points[axis] = points[0] }
        return cell
    }

    /// A run's settings.
    /// - Parameter tuned: the value of the tuned key, where there is one.
    /// - Throws: `ConfigurationError` with the place of what is wrong.
    package func configuration(of cell: Cell, seed: UInt64, tuned: String?) throws -> RunConfiguration {
        var layers = base
        for (axis, point) in zip(axes, cell.points) { layers.lay(axis.points[point].layers) }
        if let tuning, let tuned { layers.set(tuning.key, to: tuned, source: tuning.source) }
        layers.set("run.seed", to: "\(seed)", source: "seeds")
        layers.set("simulation.evaluate_test", to: "true", source: "every experiment")
        let configuration = try RunConfiguration(layers)
        guard !configuration.federation.stop.isNever else {
            throw ConfigurationError(
                "\(names(of: cell).joined(separator: ", ")): expected run.updates, run.versions or run.seconds above 0,"
                    + " found a run without an end")
        }
        return configuration
    }

    /// Checks each kind of run before the first begins.
    /// - Throws: `ConfigurationError`.
    package func check() throws {
        guard !cells.isEmpty else { throw ConfigurationError("\(name): every cell is excluded") }
        for cell in cells {
            for value in tuning?.values.map(Optional.some) ?? [nil] {
                _ = try configuration(of: cell, seed: seeds[0], tuned: value)
            }
        }
    }

    /// Axes and points as `axis=point,point`.
    /// - Throws: `ConfigurationError` for an unknown one.
    public func selection(_ texts: [String]) throws -> Selection {
        var selection = Selection()
        for text in texts {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            let names = parts.count == 2 ? parts[1].split(separator: ",").map(String.init) : []
            guard !names.isEmpty else {
                throw ConfigurationError("--points \(text): expected axis=point or axis=point,point")
            }
            let chosen = try points(names, of: parts[0], source: "--points \(text)")
            if let earlier = selection.points.firstIndex(where: { $0.axis == chosen.axis }) {
                selection.points[earlier].points += chosen.points
            } else {
                selection.points.append(chosen)
            }
        }
        return selection
    }

    /// - Throws: `ConfigurationError` for an unknown axis or point.
    package func points(_ names: [String], of axis: String, source: String) throws -> (axis: Int, points: [Int]) {
        try Self.points(names, of: axis, among: axes, source: source)
    }

    package static func points(
        _ names: [String], of axis: String, among axes: [Axis], source: String
    ) throws -> (axis: Int, points: [Int]) {
        guard let place = axes.firstIndex(where: { $0.name == axis }) else {
            throw ConfigurationError(
                "\(source): expected an axis, one of \(axes.map(\.name).joined(separator: ", ")), found '\(axis)'")
        }
        let points = try names.map { name in
            guard let point = axes[place].points.firstIndex(where: { $0.name == name }) else {
                let known = axes[place].points.map(\.name).joined(separator: ", ")
                throw ConfigurationError("\(source): \(axis): expected one of \(known), found '\(name)'")
            }
            return point
        }
        return (place, points)
    }
}
