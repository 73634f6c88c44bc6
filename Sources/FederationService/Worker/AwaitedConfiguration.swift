import Foundation
import RunLog

extension RunFolder {
    private static let interval: Duration = .milliseconds(500)

    /// Waits for the configuration of the run, which its aggregator writes into the folder.
    /// - Parameter patience: how long; nil for ever.
    /// - Returns: its path.
    /// - Throws: `AggregatorAway` where none comes, `CancellationError`.
    public func awaitedConfiguration(within patience: Duration?) async throws -> String {
        let start = ContinuousClock.now
        while !FileManager.default.fileExists(atPath: configuration) {
            if let patience, .now - start >= patience {
                throw AggregatorAway(waitingFor: configuration, of: self, patience: patience)
            }
            try await Task.sleep(for: Self.interval)
        }
        return configuration
    }
}
