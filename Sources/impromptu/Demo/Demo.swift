import Console
import Federation
import FederationRun
import FederationService
import Foundation
import PromptAggregation
import PromptTuning
import RunLog
import RunSettings
import ServiceLifecycle
import Synchronization
import ZeroMQTransport

/// A whole federation on this machine: one aggregator and some workers as processes of their own over loopback, watched
/// over, evaluated before and after, and replayed from its log.
public struct Demo: Service {
    private let configuration: RunConfiguration
    private let folder: RunFolder
    private let workers: Int
    private let aggregatorArguments: [String]
    private let compares: Bool
    private let outcome: @Sendable (DemoOutcome) throws -> Void

    /// How often a process that dies is started again.
    private static let mostStarts = 20

    /// - Parameters:
    ///   - aggregatorArguments: further ones of the aggregator's command line.
    ///   - compares: whether other methods are then simulated on the same clients' data.
    ///   - outcome: called at the end of a run that went through.
    public init(
        configuration: RunConfiguration, folder: RunFolder, workers: Int, aggregatorArguments: [String] = [],
        compares: Bool = true, outcome: @escaping @Sendable (DemoOutcome) throws -> Void
    ) {
        self.configuration = configuration
        self.folder = folder
        self.workers = workers
        self.aggregatorArguments = aggregatorArguments
        self.compares = compares
        self.outcome = outcome
    }

    public func run() async throws {
        // What is missing or wrong shows here, before any process starts.
        if let reason = configuration.unpublishedPart { throw ConfigurationError("the demo: \(reason)") }
        let encoder = try configuration.loadEncoder()
        let test = try TuningDataset(FederatedData.test(configuration.data, encoder: encoder))
        try folder.create()
        try folder.write(configuration.yaml, to: folder.path + "/demo.yaml")
        let started = ContinuousClock.now
        let progress = Progress()
        let note: @Sendable (String) -> Void = { line in progress.line.withLock { $0.note(line) } }
        let children = try startAll(note: note)
        do {
            try await watch(children, progress: progress, started: started, note: note)
        } catch {
            for child in children { child.stop() }
            await gone(children)
            throw error
        }
        let seconds = (ContinuousClock.now - started) / .seconds(1)
        note("the run has ended: replaying its log, and evaluating its last version ...")
        var result = try DemoOutcome(folder: folder, encoder: encoder, test: test, seconds: seconds)
        if compares { result.comparison = try comparison(beside: result, test: test, note: note) }
        if encoder.geometry.text == nil {
            note("ten test images, and a report ...")
            do {
                result.act = try SecondAct(configuration, in: folder, comparison: result.comparison)
            } catch {
                note("no predictions and no report: \(error)")
            }
        }
        try outcome(result)
        if result.differentPublications > 0 {
            throw ReplayError("\(folder.path): the log does not replay to its recorded digests")
        }
    }

    /// Other methods on the same clients' data, for as long, in virtual time.
    private func comparison(
        beside run: DemoOutcome, test: TuningDataset, note: @Sendable (String) -> Void
    ) throws -> DemoComparison {
        var comparison = DemoComparison(like: configuration, moments: run.moments, seconds: run.seconds)
        for method in ComparedMethod.allCases {
            note("for comparison, in virtual time: \(method.title) ...")
            do {
                try comparison.add(method, in: folder.compared(method), test: test) { Task.isShuttingDownGracefully }
            } catch let error as ConfigurationError {
                note("not compared with \(method.title): \(error)")
            } catch is CancellationError {
                break
            }
        }
        return comparison
    }

    /// Shows the run's progress until the aggregator has ended it, and waits for the workers to go.
    private func watch(
        _ children: [Child], progress: Progress, started: ContinuousClock.Instant,
        note: @escaping @Sendable (String) -> Void
    ) async throws {
        let listener = try BeaconListener { beacon in
            let seconds = (ContinuousClock.now - started) / .seconds(1)
            progress.line.withLock { $0.show(beacon, seconds: seconds) }
        } problem: {
            note("a beacon cannot be understood: \($0)")
        }
        let endpoints = try await endpointsOnceBound(by: children[0])
        for child in children.dropFirst() { try child.start() }
        note(
            "aggregator is process \(children[0].identifier ?? 0), workers are "
                + children.dropFirst().map { "\($0.identifier ?? 0)" }.joined(separator: " ")
                + ": kill one with kill -9 and see")
        let security = try configuration.security.keys.map { try KeyFolder(path: $0).clientSide(name: "observer") }
        try await listener.listen(to: endpoints.prompts, security: security ?? .none)
        try await finished(children[0], workers: Array(children.dropFirst()))
        await listener.close()
        await gone(Array(children.dropFirst()))
        for child in children { child.stop() }
        progress.line.withLock { $0.end() }
    }

    /// The progress line, shared between the demo and its listener.
    private final class Progress: Sendable {
        let line = Mutex(ProgressLine())
    }

    /// Starts the aggregator; the workers wait until its endpoints are known.
    private func startAll(note: @escaping @Sendable (String) -> Void) throws -> [Child] {
        let common = ["--config", folder.path + "/demo.yaml"]
        let aggregator = Child(
            name: "aggregator",
            arguments: ["aggregate", folder.path, "--quiet"] + common + aggregatorArguments,
            logPath: folder.path + "/aggregator.log", mostStarts: Self.mostStarts, note: note)
        let others = (0..<workers).map { index in
            Child(
                name: "worker \(index)",
                arguments: ["work"] + common + [
                    "--config", folder.endpoints, "--index", "\(index)", "--workers", "\(workers)", "--set",
                    "worker.outbox=\(folder.path)/outbox",
                ], logPath: folder.path + "/worker-\(index).log", mostStarts: Self.mostStarts, note: note)
        }
        try aggregator.start()
        return [aggregator] + others
    }

    private func endpointsOnceBound(by aggregator: Child) async throws -> RunConfiguration.Endpoints {
        for _ in 0..<600 {
            if case .open(let endpoints, _) = try folder.rendezvous() { return endpoints }
            if let code = aggregator.exitCode {
                throw RunFolderError("the aggregator ended with \(code): \(aggregator.lastWords)")
            }
            try await pause()
        }
        throw RunFolderError("the aggregator did not come up: \(aggregator.lastWords)")
    }

    private func finished(_ aggregator: Child, workers: [Child]) async throws {
        while true {
            if let failed = workers.first(where: { ($0.exitCode ?? 0) != 0 }), aggregator.exitCode == nil {
                throw RunFolderError("\(failed.name) ended with \(failed.exitCode ?? 0): \(failed.lastWords)")
            }
            if let code = aggregator.exitCode {
                if code == 0 { return }
                throw RunFolderError("the aggregator ended with \(code): \(aggregator.lastWords)")
            }
            try await pause()
        }
    }

    /// Waits a moment for the workers, which end by themselves with the run.
    private func gone(_ workers: [Child]) async {
        for _ in 0..<50 where workers.contains(where: { $0.exitCode == nil }) {
            try? await Task.sleep(for: .milliseconds(100))
        }
    }

    private func pause() async throws {
        if Task.isShuttingDownGracefully { throw RunFolderError("interrupted; the run is in \(folder.path)") }
        try await Task.sleep(for: .milliseconds(100))
    }
}

extension RunFolder {
    /// Where a demo's comparison keeps a method's run.
    func compared(_ method: ComparedMethod) -> RunFolder { RunFolder(path: path + "/compared/" + method.rawValue) }
}
