import Dispatch
import Federation
import MessageLog
import PromptAggregation
import Synchronization

/// Has a live aggregator's snapshots written, on a thread of its own: taking one costs the aggregator's thread a copy of
/// a value.
package final class SnapshotKeeper: Sendable {
    private struct State {
        /// The newest snapshot's name.
        var newest: String?
        var rhythm: SnapshotRhythm
        var isWriting = false
    }

    private let files: SnapshotFiles
    private let state: Mutex<State>
    private let queue = DispatchQueue(label: "snapshots", qos: .utility)
    private let failed: @Sendable (any Error) -> Void

    /// - Parameters:
    ///   - start: the snapshot that recovery started from.
    ///   - interval: in versions; 0 for no snapshots.
    ///   - failed: gets why one could not be kept, on the writing thread. The run continues without it.
    package init(
        in folder: RunFolder, since start: RunRecovery.Start?, interval: Int,
        failed: @escaping @Sendable (any Error) -> Void
    ) {
        files = folder.snapshots
        state = Mutex(State(newest: start?.name, rhythm: SnapshotRhythm(interval: interval, since: start)))
        self.failed = failed
    }

    /// Whether a snapshot is due and none is being written.
    package func isDue(_ engine: LoggedAggregator) -> Bool {
        state.withLock { state in
            !state.isWriting && state.rhythm.isDue(version: engine.aggregator.version, length: engine.committedBytes)
        }
    }

    /// Takes a snapshot if one is due and none is being written.
    package func consider(_ engine: LoggedAggregator, _ history: RunHistory) {
        guard isDue(engine), let snapshot = engine.snapshot(history) else { return }
        state.withLock { $0.isWriting = true }
        queue.async { [self] in write(snapshot) }
    }

    /// Takes a last one, of a run that will be continued, and waits until it is kept.
    package func finish(_ engine: LoggedAggregator, _ history: RunHistory) {
        queue.sync {
            let isWanted = state.withLock { $0.rhythm.interval > 0 && engine.aggregator.phase != .finished }
            if isWanted, let snapshot = engine.snapshot(history) { write(snapshot) }
        }
    }

    private func write(_ snapshot: RunSnapshot) {
        var shelf = SnapshotShelf(files, newest: state.withLock { $0.newest })
        let size = Result { try shelf.add(snapshot) }
        state.withLock { state in
            state.newest = shelf.newest
            state.isWriting = false
            // One that failed is tried again only when the next is due.
            state.rhythm.kept(
                version: snapshot.version, length: snapshot.length,
                size: (try? size.get()) ?? snapshot.size)
        }
        if case .failure(let error) = size { failed(error) }
    }
}
