import Federation
import FederationService
import Foundation
import Glibc
import Logging
import PromptAggregation
import PromptWire
import RunLog
import RunSettings
import ServiceLifecycle
import ZeroMQTransport

/// The production service in this process, for a benchmark to load.
enum LoadedAggregator {
    /// Runs the service in a folder until `body` has returned.
    static func run<Outcome: Sendable>(
        _ configuration: RunConfiguration, in folder: RunFolder,
        body: @escaping @Sendable (RunConfiguration.Endpoints) throws -> Outcome
    ) async throws -> Outcome {
        let logger = Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }
        let service = try AggregatorService(
            configuration: configuration, folder: folder, logger: logger, progress: nil)
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: service, successTerminationBehavior: .gracefullyShutdownGroup)],
                logger: logger))
        async let running: Void = group.run()
        let outcome: Result<Outcome, any Error>
        do {
            outcome = .success(
                try await onThread {
                    let deadline = ContinuousClock.now + LoadConnection.patience
                    while .now < deadline {
                        if case .open(let endpoints, _) = try folder.rendezvous() { return try body(endpoints) }
                        pauseBriefly()
                    }
                    throw BenchmarkError("the aggregator bound no endpoints")
                })
        } catch {
            outcome = .failure(error)
        }
        await group.triggerGracefulShutdown()
        // Why the service ended comes before what that did to the load.
        try await running
        return try outcome.get()
    }

    /// Runs something that blocks on a thread of its own.
    static func onThread<Outcome: Sendable>(
        _ body: @escaping @Sendable () throws -> Outcome
    ) async throws -> Outcome {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
        }
    }

    /// A federation of clients whose updates have about 30 KB: the bundled encoder's width, 30 prompts and a head
    /// for ten classes.
    static func configuration(
        clients: Int, _ assignments: [String], keys: String? = nil
    ) throws -> RunConfiguration {
        try RunConfiguration.load(
            base: """
                endpoints: {updates: 'tcp://127.0.0.1:*', prompts: 'tcp://127.0.0.1:*'}
                federation: {mode: buffered, flush_after_seconds: 0, lease_seconds: 3600, heartbeat_seconds: 600}
                strategy: {name: fedbuff}
                prompts: {pool: 30}
                evaluation: {interval_seconds: 0}
                """, files: [], environment: [:],
            assignments: ["data.clients=\(clients)"] + (keys.map { ["security.keys=\($0)"] } ?? []) + assignments)
    }

    /// An update with the values of a given state, in the bytes that a client sends.
    static func update(
        by client: ClientID, run: UInt64, task: UInt64, base: Version, state: PromptState
    ) -> [UInt8] {
        ClientCodec.encode(
            .update(
                .init(
                    client: client, session: LoadConnection.session, run: run, task: task, baseVersion: base,
                    sampleCount: 100, parameters: state.parameters, promptIDs: state.promptIDs,
                    metrics: [Metric(name: "loss", value: 1)])))
    }

    /// A state of the shapes of the one that a run with this configuration begins with; one value everywhere.
    static func blankState(_ configuration: RunConfiguration) throws -> PromptState {
        let (width, classes, pool) = (192, 10, configuration.prompts.pool)
        func tensor(_ shape: [Int]) -> Tensor {
            Tensor(shape: shape, values: [Float](repeating: 0.01, count: shape.reduce(1, *)))
        }
        return PromptState(
            parameters: Parameters([
                (Parameters.headBias, tensor([classes])), (Parameters.headWeight, tensor([classes, width])),
                (Parameters.prompts, tensor([pool, width])),
            ]), promptIDs: (0..<pool).map { PromptID($0) })
    }
}

/// Lets other threads run for a moment.
func pauseBriefly() { usleep(100) }

extension [Duration] {
    /// The duration below which that share of them lies.
    func quantile(_ share: Double) -> Duration {
        isEmpty ? .zero : sorted()[Swift.min(count - 1, Int(share * Double(count)))]
    }
}
