import Federation
import Files
import Foundation
import PromptAggregation
import RunSettings
import ZeroMQTransport

/// A run's CURVE keys in a folder: `<name>.secret` for its holder alone, `<name>.public`, and `allowed`, the list of who
/// may connect to the aggregator.
///
/// The aggregator needs `aggregator.secret` and `allowed`; a worker needs its own secret and `aggregator.public`.
public struct KeyFolder: Sendable {
    public let path: String
    package static let aggregator = "aggregator"

    public init(path: String) { self.path = path }

    private var allowed: String { path + "/allowed" }
    private func secretFile(_ name: String) -> String { "\(path)/\(name).secret" }
    private func publicFile(_ name: String) -> String { "\(path)/\(name).public" }

    // MARK: Reading

    /// What the aggregator needs.
    package func aggregatorSide() throws -> (key: CurveSecretKey, allowed: AllowedKeys) {
        (try secretKey(of: Self.aggregator), try AllowedKeys(of: self))
    }

    /// Who may connect, as the file says now.
    package func allowList() throws -> AllowList { try AllowList(text: try read(allowed), file: allowed) }

    /// What the holder of the key of that name needs to connect.
    /// - Parameter told: the aggregator's public key as others tell it; nil for the one in the folder.
    /// - Throws: `ConfigurationError` also where the folder has another one than is told.
    package func clientSide(name: String, aggregatorKey told: String? = nil) throws -> Security {
        .curveClient(key: try secretKey(of: name), server: try aggregatorKey(told: told))
    }

    private func aggregatorKey(told: String?) throws -> CurvePublicKey {
        let file = publicFile(Self.aggregator)
        guard let told else {
            guard let kept = CurvePublicKey(z85: try line(of: file)) else { throw malformed(file) }
            return kept
        }
        guard let key = CurvePublicKey(z85: told) else {
            throw ConfigurationError("security.aggregator_key: expected a key of 40 characters, found '\(told)'")
        }
        if FileManager.default.fileExists(atPath: file), try line(of: file) != told {
            throw ConfigurationError("\(file): expected the aggregator's key \(told), found another")
        }
        return key
    }

    private func secretKey(of name: String) throws -> CurveSecretKey {
        let file = secretFile(name)
        guard let key = CurveSecretKey(z85: try line(of: file)) else { throw malformed(file) }
        // Of the file itself: in a volume of Kubernetes its name is a link, whose own mode says nothing.
        var status = stat()
        if stat(file, &status) == 0,
            !Self.isPrivate(mode: Int(status.st_mode & 0o7777), owner: Int(status.st_uid), user: Int(getuid()))
        {
            throw ConfigurationError("\(file): expected a file that its owner alone can read (chmod 600)")
        }
        return key
    }

    /// Whether only those can read a file who should. What root gives a service is often lent to it through the group
    /// or an access list, which shows in the group's bits (systemd's credentials, volumes of Kubernetes).
    package static func isPrivate(mode: Int, owner: Int, user: Int) -> Bool {
        mode & (owner == 0 && user != 0 ? 0o037 : 0o077) == 0
    }

    private func malformed(_ file: String) -> ConfigurationError {
        ConfigurationError("\(file): expected a key of 40 characters, as 'impromptu keys' makes it")
    }

    private func read(_ file: String) throws -> String {
        guard let bytes = FileManager.default.contents(atPath: file) else {
            throw ConfigurationError("\(file): cannot read; 'impromptu keys \(path)' makes the keys of a run")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func line(of file: String) throws -> String {
        try read(file).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    // MARK: Making

    /// Makes the aggregator's keys and an empty allow list, unless they are there.
    /// - Returns: whether they were made.
    public func makeAggregator() throws -> Bool {
        guard !FileManager.default.fileExists(atPath: secretFile(Self.aggregator)) else { return false }
        try create(path, directory: true)
        _ = try makePair(Self.aggregator)
        try create(allowed, "# Who may connect: name, public key, the clients that it may speak for (* for all).\n")
        return true
    }

    /// Makes a key and lists it.
    /// - Parameter clients: those that its holder may speak for; `*` alone stands for all.
    /// - Throws: `ConfigurationError` for a name that has a key or cannot have one.
    public func make(name: String, clients: [String]) throws {
        guard ClientID.isName(name), name != Self.aggregator else {
            throw ConfigurationError(
                "expected 1 to 64 characters of A-Z a-z 0-9 . _ - for a key's name, found '\(name)'")
        }
        if clients != ["*"], let wrong = clients.first(where: { !ClientID.isName($0) }) {
            throw ConfigurationError("expected 1 to 64 characters of A-Z a-z 0-9 . _ - for a client, found '\(wrong)'")
        }
        let list = try read(allowed)
        let key = try makePair(name)
        let line = ([name, key.z85] + clients).joined(separator: " ")
        do {
            try AtomicFile.replace(allowed, with: (list + line + "\n").utf8, syncs: true)
        } catch {
            throw ConfigurationError("\(error)")
        }
    }

    private func makePair(_ name: String) throws -> CurvePublicKey {
        let secret = try CurveSecretKey.generate()
        let key = try secret.publicKey()
        try create(secretFile(name), secret.z85 + "\n", mode: 0o600)
        try create(publicFile(name), key.z85 + "\n")
        return key
    }

    private func create(_ file: String, _ text: String = "", directory: Bool = false, mode: mode_t = 0o644) throws {
        if directory {
            do {
                return try FileManager.default.createDirectory(atPath: file, withIntermediateDirectories: true)
            } catch {
                throw ConfigurationError("\(file): cannot make the folder: \(error.localizedDescription)")
            }
        }
        // Never over a file that is there: a key that is lost cannot be made again.
        do throws(FileError) {
            let new = try NewFile(file, flags: O_EXCL, mode: mode)
            try new.write(text.utf8)
            try new.synchronize()
            try new.close()
        } catch {
            throw ConfigurationError("\(error)")
        }
    }
}
