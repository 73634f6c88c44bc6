import Charts
import Federation
import PromptAggregation

/// The pool of a run at some of its versions, evenly spread, with the first and the last.
struct PromptTrails {
    private struct Frame {
        var version: Version
        var ids: [PromptID]
        var rows: [Float]
    }

    /// A prompt's way through the versions.
    struct Trail {
        var id: PromptID
        /// Versions at which it was first and last seen.
        var first: Version
        var last: Version
        var points: [ChartPoint]
    }

    enum View {
        /// Where the prompts are.
        case place
        /// How far each is from where it was first seen.
        case displacement
    }

    struct Projection {
        /// Ascending by identity.
        var trails: [Trail]
        var plane: PrincipalPlane
    }

    /// Points of a map of neighbours, whose cost grows with their square.
    private static let mostMapped = 400

    private var frames: [Frame] = []
    private var newest: Frame?
    private var width = 0
    /// Of so many versions one is kept.
    private var stride = 1
    private static let mostFrames = 64

    mutating func take(_ prompts: AggregatorMessage.GlobalPrompts) {
        let frame = Frame(
            version: prompts.version, ids: prompts.state.promptIDs, rows: prompts.state.prompts.values)
        width = prompts.state.width
        if prompts.version % stride == 0, frames.last.map({ $0.version < prompts.version }) ?? true {
            frames.append(frame)
        }
        newest = frame
        guard frames.count > Self.mostFrames else { return }
        stride *= 2
        frames.removeAll { $0.version % stride != 0 }
    }

    var lastVersion: Version { newest?.version ?? 0 }

    /// Each prompt's way in the plane that shows the most of all ways.
    func projected(_ view: View) -> Projection {
        var frames = allFrames
        if view == .displacement { Self.subtractStarts(from: &frames, width: width) }
        let plane = PrincipalPlane(frames.flatMap(\.rows), width: width)
        // What a displacement is measured from is its own start, not the mean of all.
        let origin = view == .displacement ? plane.place([Float](repeating: 0, count: width)) : ChartPoint(x: 0, y: 0)
        let points = places(of: frames, in: plane).map { ChartPoint(x: $0.x - origin.x, y: $0.y - origin.y) }
        return Projection(trails: Self.trails(of: frames, at: points), plane: plane)
    }

    /// Each prompt's way in a map where neighbours are near: of as many versions as the map can hold, evenly spread.
    func mapped() -> [Trail] {
        var frames = allFrames
        while frames.count > 2, frames.reduce(0, { $0 + $1.ids.count }) > Self.mostMapped {
            let last = frames.count - 1
            frames = frames.indices.filter { $0 % 2 == 0 || $0 == last }.map { frames[$0] }
        }
        let rows = frames.flatMap(\.rows)
        let map = NeighbourMap(
            rows, width: width, start: places(of: frames, in: PrincipalPlane(rows, width: width)))
        return Self.trails(of: frames, at: map.points)
    }

    private var allFrames: [Frame] {
        guard let newest, frames.last?.version != newest.version else { return frames }
        return frames + [newest]
    }

    private func places(of frames: [Frame], in plane: PrincipalPlane) -> [ChartPoint] {
        frames.flatMap { frame in
            frame.ids.indices.map { plane.place(frame.rows[$0 * width..<($0 + 1) * width]) }
        }
    }

    /// - Parameter points: of all rows of all frames.
    private static func trails(of frames: [Frame], at points: [ChartPoint]) -> [Trail] {
        var trails: [PromptID: Trail] = [:]
        var points = points.makeIterator()
        for frame in frames {
            for id in frame.ids {
                trails[id, default: Trail(id: id, first: frame.version, last: frame.version, points: [])]
                    .points.append(points.next()!)
                trails[id]!.last = frame.version
            }
        }
        return trails.values.sorted { $0.id < $1.id }
    }

    private static func subtractStarts(from frames: inout [Frame], width: Int) {
        var starts: [PromptID: [Float]] = [:]
        for place in frames.indices {
            for (row, id) in frames[place].ids.enumerated() {
                let range = row * width..<(row + 1) * width
                let start = starts[id] ?? Array(frames[place].rows[range])
                starts[id] = start
                for (column, value) in zip(range, start) { frames[place].rows[column] -= value }
            }
        }
    }
}
