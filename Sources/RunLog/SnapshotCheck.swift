import Federation
import Foundation
import MessageLog
import PromptWire

extension Replay {
    /// A snapshot that lies beside a log, and what a replay of the log says about it.
    public struct CheckedSnapshot: Encodable, Sendable {
        /// How a snapshot compares with the replay.
        public enum Finding: Hashable, Sendable {
            /// The replay has the same state and history at its position.
            case equal
            case different
            /// Recovery skips it, for this reason.
            case unusable(String)
        }
        public var name: String
        public var finding: Finding

        /// In words.
        public var words: String {
            switch finding {
            case .equal: "equal"
            case .different: "DIFFERS"
            case .unusable(let reason): "would be passed over: \(reason)"
            }
        }

        private enum CodingKeys: CodingKey { case name, finding }

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(name, forKey: .name)
            try container.encode(words, forKey: .finding)
        }
    }

    /// Reads a log and compares the snapshots of its run folder, and the states that its segments begin with, with the
    /// state of the replay at their positions.
    ///
    /// - Returns: the replay, and each snapshot that it reached. Damaged ones are reported and stop nothing.
    /// - Throws: as `init(path:until:observe:)`, and `RunFolderError`.
    public static func checked(
        path: String, until: Int? = nil, observe: (Step) throws -> Void
    ) throws -> (replay: Replay, snapshots: [CheckedSnapshot]) {
        let folder = RunFolder(ofLog: path)
        let found = try SnapshotShelf(folder.snapshots).read()
        var checked: [CheckedSnapshot] = []
        var awaited: [(name: String, records: Int, load: () throws -> RunSnapshot)] = []
        for candidate in found {
            switch candidate.mark {
            case .success(let mark): awaited.append((candidate.name, Int(mark.records), candidate.load))
            case .failure(let error):
                checked.append(CheckedSnapshot(name: candidate.name, finding: .unusable("\(error)")))
            }
        }
        var history = RunHistory()
        var segment: SegmentStarted?
        let replay = try Replay(RunLogReader(path: path), until: until) { step in
            if case .segment(let started) = step { segment = started }
            history.take(step)
            try observe(step)
        } passed: { replay in
            if let started = segment.take() {
                checked.append(.init(name: "segment \(started.number)", finding: started.finding(replay, history)))
            }
            for (name, records, load) in awaited where records == replay.records {
                do {
                    checked.append(CheckedSnapshot(name: name, finding: try load().finding(replay, history)))
                } catch {
                    checked.append(CheckedSnapshot(name: name, finding: .unusable("\(error)")))
                }
            }
        }
        if until == nil {
            for (name, records, _) in awaited where records > replay.records {
                checked.append(CheckedSnapshot(name: name, finding: .unusable("the log ends before it")))
            }
        }
        return (replay, checked.sorted { $0.name < $1.name })
    }
}

extension SegmentStarted {
    /// Compares its state with that of a replay which has just passed it.
    fileprivate func finding(_ replay: Replay, _ history: RunHistory) -> Replay.CheckedSnapshot.Finding {
        do {
            return try RunSnapshot(snapshot).finding(replay, history)
        } catch {
            return .unusable("\(error)")
        }
    }
}

extension RunSnapshot {
    /// Compares it with a replay that has reached its position.
    fileprivate func finding(_ replay: Replay, _ history: RunHistory) -> Replay.CheckedSnapshot.Finding {
        guard let header = replay.header, run == Self.digest(of: header) else {
            return .unusable("it was made of another run")
        }
        let isEqual =
            replay.aggregator.map(isState) == true && replay.lastTime == time
            && replay.epoch == epoch
            && history.bytes == self.history.bytes
        return isEqual ? .equal : .different
    }
}
