import PromptAggregation
import Synchronization
import ZeroMQTransport

/// The list of who may connect that is in force, which may be replaced while the service runs.
package final class AllowedKeys: Sendable {
    private let list: Mutex<AllowList>
    private let folder: KeyFolder

    /// What a new list means for those who are connected.
    package struct Change: Equatable, Sendable {
        /// Names of keys that may now connect, or may now not, ascending.
        package var added: [String]
        package var removed: [String]
        /// Whether any key may do less than before, so that what was granted has to be asked for again.
        package var isRevoked: Bool

        package init(added: [String], removed: [String], isRevoked: Bool) {
            self.added = added
            self.removed = removed
            self.isRevoked = isRevoked
        }
    }

    /// - Throws: `ConfigurationError` for a list that cannot be read.
    package init(of folder: KeyFolder) throws {
        self.folder = folder
        list = Mutex(try folder.allowList())
    }

    /// Reads the list again. One that cannot be read leaves the earlier one in force.
    /// - Throws: `ConfigurationError` naming file and line.
    package func reload() throws -> Change {
        let new = try folder.allowList()
        return list.withLock { old in
            defer { old = new }
            return Change(
                added: new.names.filter { !old.names.contains($0) },
                removed: old.names.filter { !new.names.contains($0) }, isRevoked: !new.grantsAll(of: old))
        }
    }

    /// The name of a key that may connect, nil for any other.
    package func name(of key: CurvePublicKey) -> String? { list.withLock { $0.name(of: key) } }

    /// Whether the holder of the key of that name may connect.
    package func contains(_ name: String) -> Bool { list.withLock { $0.contains(name) } }

    /// Whether the holder of the key of that name may speak for a client.
    package func permits(_ name: String, toSpeakFor client: ClientID) -> Bool {
        list.withLock { $0.permits(name, toSpeakFor: client) }
    }
}
