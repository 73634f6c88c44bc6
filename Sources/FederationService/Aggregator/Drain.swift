import Foundation
import RunLog
import Text

/// A drain of a run: the aggregator gives out no more tasks, waits for those in flight, makes a last version of what is
/// in its buffer, closes its log and ends. The next start continues the run. The request and its outcome are a file in
/// the run folder, so it works wherever the folder can be seen: on another node of a cluster, in a container, in a hook
/// that runs before a stop.
public struct Drain: Codable, Equatable, Sendable {
    /// How far a drain is.
    public enum State: String, Codable, Sendable {
        /// No aggregator has seen it yet.
        case requested
        /// Tasks are still in flight.
        case draining
        /// The aggregator has ended; the next start continues the run.
        case resting
        /// The run came to its end meanwhile.
        case finished
    }
    public var state: State
    /// How long to wait for tasks in flight.
    public var patienceSeconds: Double
    /// The newest version, once the aggregator has ended.
    public var version: Int?
    /// Updates accepted since the start of the run, once the aggregator has ended.
    public var updates: Int?
    /// Tasks that were still in flight at the end. Their updates count when the run continues.
    public var unanswered: Int?

    /// How long an aggregator may take to see a request; it looks every second.
    public static let attention: Duration = .seconds(15)
    /// How long it may take beyond its patience: for a last version and for closing the log.
    private static let closing: Duration = .seconds(60)

    /// Asks the aggregator of a run to drain and waits until it has ended.
    /// - Parameters:
    ///   - patience: how long the aggregator waits for tasks in flight.
    ///   - attention: how long to wait until it takes up the request.
    /// - Throws: `RunFolderError` when nobody answers, or when the aggregator was started again meanwhile.
    public static func request(
        in folder: RunFolder, patience: Duration, attention: Duration = Self.attention
    ) async throws -> Drain {
        guard folder.hasLog else {
            throw RunFolderError("\(folder.path): expected the folder of a run, found no \(folder.segment(1))")
        }
        if let earlier = folder.readDrain(), earlier.isOver { return earlier }
        try folder.write(Drain(state: .requested, patienceSeconds: patience / .seconds(1)))
        let start = ContinuousClock.now
        while true {
            try await Task.sleep(for: .milliseconds(100))
            guard let drain = folder.readDrain() else {
                throw RunFolderError("\(folder.path): the aggregator was restarted before it had drained")
            }
            if drain.isOver { return drain }
            let waited = ContinuousClock.now - start
            if drain.state == .requested, waited > attention {
                try folder.removeDrain()
                throw RunFolderError("\(folder.path): no aggregator is at work on this run: nobody took up the request")
            }
            guard waited <= patience + attention + closing else {
                throw RunFolderError(
                    "\(folder.path): the aggregator has not drained in \(decimal(waited / .seconds(1), 0)) s")
            }
        }
    }

    /// Whoever writes the file may write any number into it.
    package var patienceMilliseconds: Int {
        patienceSeconds.isFinite ? Int((min(max(0, patienceSeconds), 86_400) * 1000).rounded(.up)) : 0
    }

    private var isOver: Bool { state == .resting || state == .finished }

    public var words: String {
        let place = "version \(version ?? 0), \(updates ?? 0) updates"
        switch state {
        case .requested: return "asked to drain"
        case .draining: return "draining"
        case .finished: return "the run has finished: \(place)"
        case .resting:
            return "at rest: \(place), \(unanswered ?? 0) tasks unanswered; the same command takes the run up again"
        }
    }
}

extension RunFolder {
    private var drain: String { path + "/drain.json" }

    /// The drain that was asked for last, nil for none since the aggregator's start.
    func readDrain() -> Drain? {
        FileManager.default.contents(atPath: drain).flatMap { try? JSONDecoder().decode(Drain.self, from: $0) }
    }

    package func write(_ drain: Drain) throws { try write(json: drain, to: self.drain) }

    /// Forgets a drain; one that was meant for an earlier start is not meant for this one.
    func removeDrain() throws { try remove(drain) }

    func remove(_ file: String) throws {
        guard unlink(file) != 0, errno != ENOENT else { return }
        throw RunFolderError("\(file): cannot remove: \(String(cString: strerror(errno)))")
    }
}
