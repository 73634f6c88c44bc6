import Dispatch
import RunLog
import RunSettings
import Text
import ZeroMQTransport

/// Finds a run's aggregator by its run folder: waits for its endpoints, and while it is silent looks whether it can be
/// reached elsewhere now. Used on the loop's thread.
final class AggregatorSearch: @unchecked Sendable {
    enum Outcome: Sendable {
        /// It is here now; also when it was elsewhere before.
        case found(RunConfiguration.Endpoints, key: String?)
        case finished
        case failed(any Error)
    }

    private let folder: RunFolder
    private let patience: Duration?
    private let silence: Duration
    private let loop: PollLoop
    private let tell: @Sendable (Outcome) -> Void
    /// A shared file system may take its time; the loop does not wait for it.
    private let disk = DispatchQueue(label: "rendezvous")
    private var known: Rendezvous?
    private var lastHeard = ContinuousClock.now
    private var isReading = false
    private var timer: LoopTimer?

    private static let interval: Duration = .milliseconds(500)

    /// - Parameters:
    ///   - patience: how long to look for an aggregator that is not heard; nil for ever.
    ///   - silence: how long one that was found may say nothing before the file is looked at again.
    ///   - tell: called on the loop's thread; after `finished` and `failed` no more.
    init(
        folder: RunFolder, patience: Duration?, silence: Duration, loop: PollLoop,
        tell: @escaping @Sendable (Outcome) -> Void
    ) {
        self.folder = folder
        self.patience = patience
        self.silence = silence
        self.loop = loop
        self.tell = tell
    }

    func begin() {
        lastHeard = .now
        look()
        timer = loop.schedule(every: Self.interval) { [weak self] in self?.look() }
    }

    /// Notes a word of the aggregator.
    func heard() { lastHeard = .now }

    func end() {
        timer?.cancel()
        timer = nil
    }

    private func look() {
        let quiet = ContinuousClock.now - lastHeard
        guard known == nil || quiet >= silence else { return }
        if let patience, quiet >= patience {
            return conclude(.failed(AggregatorAway(folder: folder, patience: patience, wasFound: known != nil)))
        }
        guard !isReading else { return }
        isReading = true
        disk.async { [folder, loop, weak self] in
            let reading = Result { try folder.rendezvous() }
            loop.execute { [weak self] in self?.take(reading) }
        }
    }

    private func take(_ reading: Result<Rendezvous?, any Error>) {
        isReading = false
        guard timer != nil else { return }
        switch reading {
        case .failure(let error): conclude(.failed(error))
        case .success(nil): break
        case .success(.finished): conclude(.finished)
        case .success(.open(let endpoints, let key)):
            guard known != .open(endpoints, key: key) else { return }
            known = .open(endpoints, key: key)
            tell(.found(endpoints, key: key))
        }
    }

    private func conclude(_ finding: Outcome) {
        end()
        tell(finding)
    }
}

/// No aggregator was heard for as long as the worker was to wait. It may try again later.
public struct AggregatorAway: Error, CustomStringConvertible {
    public let description: String

    init(folder: RunFolder, patience: Duration, wasFound: Bool) {
        let seconds = decimal(patience / .seconds(1), 0)
        description =
            wasFound
            ? "the aggregator that \(folder.endpoints) names was not heard for \(seconds) s"
            : Self.words(folder.endpoints, folder, seconds)
    }

    /// - Parameter file: what was waited for.
    init(waitingFor file: String, of folder: RunFolder, patience: Duration) {
        description = Self.words(file, folder, decimal(patience / .seconds(1), 0))
    }

    private static func words(_ file: String, _ folder: RunFolder, _ seconds: String) -> String {
        "waited \(seconds) s for \(file), which an aggregator of this run folder writes"
    }
}
