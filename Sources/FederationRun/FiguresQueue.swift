import Dispatch
import Synchronization

/// The thread that writes a run's files for observers, so that a slow disk delays only these. A failure is reported and
/// does not end the run.
package final class FiguresQueue: Sendable {
    package typealias Work = @Sendable () throws -> Void

    /// What is worth doing in its newest form alone.
    package enum Slot: Hashable, Sendable { case prompts, health, drain, change, log }

    private let queue = DispatchQueue(label: "figures", qos: .utility)
    private let waiting = Mutex<[Slot: Work]>([:])
    private let failed: @Sendable (any Error) -> Void

    /// - Parameter failed: gets each error, on the queue's thread.
    package init(failed: @escaping @Sendable (any Error) -> Void) { self.failed = failed }

    /// Does it behind all that waits.
    package func append(_ work: @escaping Work) { queue.async { [self] in perform(work) } }

    /// Does it in place of what waits for the same slot, behind everything else where nothing does.
    package func replace(_ slot: Slot, _ work: @escaping Work) {
        let isNew = waiting.withLock { $0.updateValue(work, forKey: slot) == nil }
        guard isNew else { return }
        queue.async { [self] in
            if let newest = waiting.withLock({ $0.removeValue(forKey: slot) }) { perform(newest) }
        }
    }

    /// Returns once all is done that came before.
    package func finish() { queue.sync {} }

    private func perform(_ work: Work) {
        do { try work() } catch { failed(error) }
    }
}
