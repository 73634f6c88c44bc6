import Foundation
import RunLog
import RunSettings

/// Where a run's aggregator can be reached: `endpoints.yaml` in its run folder, for those who share its file system.
///
/// The aggregator replaces the file whole whenever it starts, maybe on another machine, and when the run has finished.
/// It is a configuration too, which workers can be started with.
public enum Rendezvous: Equatable, Sendable {
    /// - `key`: the aggregator's public key, nil for a federation without keys.
    case open(RunConfiguration.Endpoints, key: String?)
    /// The run has finished, and nobody listens any more.
    case finished

    private static let finishedMark = "# The run has finished"

    package var text: String {
        switch self {
        case .open(let endpoints, let key):
            "# Where this run's aggregator can be reached; written again at each start.\nendpoints:\n"
                + "  updates: '\(endpoints.updates)'\n  prompts: '\(endpoints.prompts)'\n"
                + (key.map { "security:\n  aggregator_key: '\($0)'\n" } ?? "")
        case .finished: Self.finishedMark + "; nobody listens any more.\n"
        }
    }

    /// - Parameter file: the text's name, for errors.
    /// - Throws: `ConfigurationError` for a text without both endpoints.
    package init(text: String, file: String) throws {
        if text.hasPrefix(Self.finishedMark) {
            self = .finished
            return
        }
        var layers = ConfigurationLayers()
        try layers.add(yaml: text, name: file)
        guard let updates = layers.settings["endpoints.updates"]?.value,
            let prompts = layers.settings["endpoints.prompts"]?.value
        else { throw ConfigurationError("\(file): expected endpoints.updates and endpoints.prompts") }
        self = .open(
            .init(updates: updates, prompts: prompts), key: layers.settings["security.aggregator_key"]?.value)
    }
}

extension RunFolder {
    /// Where the run's aggregator is, or was before it stopped; nil where none was started.
    /// - Throws: `ConfigurationError` for a file of another kind.
    public func rendezvous() throws -> Rendezvous? {
        guard let bytes = FileManager.default.contents(atPath: endpoints) else { return nil }
        return try Rendezvous(text: String(decoding: bytes, as: UTF8.self), file: endpoints)
    }

    /// What to bind so that those find it again who know where this folder's service was bound before.
    /// - Throws: as `rendezvous`.
    func endpointsAgain(_ wanted: RunConfiguration.Endpoints) throws -> RunConfiguration.Endpoints {
        guard case .open(let earlier, _) = try rendezvous() else { return wanted }
        return wanted.keepingPorts(of: earlier)
    }

    /// Takes back that the run has finished, so that workers wait for its aggregator.
    public func forgetEnd() throws {
        guard try rendezvous() == .finished else { return }
        do {
            try FileManager.default.removeItem(atPath: endpoints)
        } catch {
            throw RunFolderError("\(endpoints): cannot remove: \(error.localizedDescription)")
        }
    }

    func announce(_ rendezvous: Rendezvous) throws { try write(rendezvous.text, to: endpoints) }
}
