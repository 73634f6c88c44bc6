import Federation
import PromptAggregation
import Synchronization
import Text
import ZeroMQTransport

/// The state of a federation, from its aggregator's beacon.
public struct FederationStatus: Encodable, Equatable, Sendable {
    public var finished: Bool
    /// Whether it gives out no more tasks and waits for those in flight.
    public var draining: Bool
    public var version: Int
    public var updates: Int
    public var lateUpdates: Int
    public var clientsAlive: Int
    /// Tasks given out and not yet answered.
    public var inFlight: Int
    /// Updates waiting for the next flush.
    public var buffered: Int
    public var pool: Int
    /// Of the last flush, nil before the first.
    public var meanStaleness: Double?
    /// Since the last flush, nil before the first.
    public var secondsSinceFlush: Double?
    /// The last one on the validation split.
    public var accuracy: Double?

    package init(_ beacon: AggregatorMessage.Beacon) {
        func metric(_ name: String) -> Double? { beacon.metrics.first { $0.name == name }?.value }
        finished = beacon.phase == .finished
        draining = metric("draining") != nil
        version = beacon.version
        updates = beacon.updates
        lateUpdates = beacon.lateUpdates
        clientsAlive = beacon.clientsAlive
        inFlight = beacon.inFlight
        buffered = beacon.buffered
        pool = beacon.pool
        meanStaleness = metric("staleness.mean")
        secondsSinceFlush = metric("flush.age_seconds")
        accuracy = metric("accuracy")
    }

    /// Listens for the next beacon.
    /// - Parameters:
    ///   - endpoint: where the aggregator publishes.
    ///   - keys: the run's key folder and the name of a key in it; nil for a federation without keys.
    ///   - patience: how long to listen; the aggregator shows itself every `federation.beacon_seconds`.
    /// - Throws: `StatusError` when nothing was heard; `ConfigurationError` for keys; `TransportError` for the endpoint.
    public static func hear(
        at endpoint: String, keys: (folder: String, name: String)?, within patience: Duration
    ) async throws -> FederationStatus {
        let security = try keys.map { try KeyFolder(path: $0.folder).clientSide(name: $0.name) } ?? .none
        let first = Mutex<AggregatorMessage.Beacon?>(nil)
        let trouble = Mutex<String?>(Reach.nothing.words(hasKeys: keys != nil))
        let listener = try BeaconListener { beacon in
            first.withLock { $0 = $0 ?? beacon }
        } problem: { error in
            trouble.withLock { $0 = "a message cannot be understood: \(error)" }
        } reached: { reach in
            trouble.withLock { $0 = reach == .talks ? nil : reach.words(hasKeys: keys != nil) }
        }
        try await listener.listen(to: endpoint, security: security)
        let deadline = ContinuousClock.now + patience
        while first.withLock({ $0 }) == nil, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(20))
        }
        await listener.close()
        if let beacon = first.withLock({ $0 }) { return FederationStatus(beacon) }
        throw StatusError(
            "\(endpoint): heard no aggregator within \(decimal(patience / .seconds(1), 1)) s"
                + (trouble.withLock { $0 }.map { "; \($0)" } ?? ""))
    }

    public var lines: [String] {
        let state = finished ? "the run has finished" : draining ? "the run is draining" : "the run is active"
        var table = TextTable([state, ""])
        table.add(["version", "\(version)"])
        table.add(["updates (late ones)", "\(updates) (\(lateUpdates))"])
        table.add(["clients alive", "\(clientsAlive)"])
        table.add(["tasks in flight", "\(inFlight)"])
        table.add(["updates in the buffer", "\(buffered)"])
        table.add(["prompts in the pool", "\(pool)"])
        table.add(["last flush", secondsSinceFlush.map { "\(decimal($0, 1)) s ago" } ?? "none yet"])
        table.add(["mean staleness of it", meanStaleness.map { decimal($0, 2) } ?? "-"])
        table.add(["validation accuracy", accuracy.map { "\(decimal($0 * 100, 1)) %" } ?? "-"])
        return table.lines
    }
}
