import FederationService
import Foundation
import RunLog
import RunSettings
import Synchronization

/// How a client is checked.
public struct ClientCheckSettings: Sendable {
    /// What starts the client, for /bin/sh; nil where somebody else starts it.
    public var command: String?
    /// The client on trial; nil for the first to say hello.
    public var name: String?
    public var keys: KeyFolder?
    /// What to bind.
    public var endpoints = RunConfiguration.Endpoints(updates: "tcp://127.0.0.1:*", prompts: "tcp://127.0.0.1:*")
    /// Where endpoints.yaml is written.
    public var folder: RunFolder
    /// How long a start of the client, or a training, may take.
    public var patience: Duration = .seconds(60)

    public init(folder: RunFolder) { self.folder = folder }

    /// A command with the places of the aggregator put in.
    func filled(_ command: String, _ endpoints: RunConfiguration.Endpoints) -> String {
        command.replacingOccurrences(of: "{updates}", with: endpoints.updates)
            .replacingOccurrences(of: "{prompts}", with: endpoints.prompts)
            .replacingOccurrences(of: "{run}", with: folder.path)
    }
}

/// Whether the check is to end at once.
enum Interruption {
    private static let flag = Atomic<Bool>(false)
    static func set() { flag.store(true, ordering: .relaxed) }
    static var isSet: Bool { flag.load(ordering: .relaxed) }
}
