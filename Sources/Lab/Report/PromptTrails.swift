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
        var frames = frames
        if let newest, frames.last?.version != newest.version { frames.append(newest) }
        if view == .displacement { Self.subtractStarts(from: &frames, width: width) }
        let plane = PrincipalPlane(frames.flatMap(\.rows), width: width)
        // What a displacement is measured from is its own start, not the mean of all.
        let origin = view == .displacement ? plane.place([Float](repeating: 0, count: width)) : ChartPoint(x: 0, y: 0)
        var trails: [PromptID: Trail] = [:]
        for frame in frames {
            for (row, id) in frame.ids.enumerated() {
                let place = plane.place(frame.rows[row * width..<(row + 1) * width])
                let point = ChartPoint(x: place.x - origin.x, y: place.y - origin.y)
                trails[id, default: Trail(id: id, first: frame.version, last: frame.version, points: [])]
                    .points.append(point)
                trails[id]!.last = frame.version
            }
        }
        return Projection(trails: trails.values.sorted { $0.id < $1.id }, plane: plane)
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
