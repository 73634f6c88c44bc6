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

    var allowed: String { path + "/allowed" }
    func secretFile(_ name: String) -> String { "\(path)/\(name).secret" }
    func publicFile(_ name: String) -> String { "\(path)/\(name).public" }

    // MARK: Reading

    /// What the aggregator needs.
    package func aggregatorSide() throws -> (key: CurveSecretKey, allowed: AllowedKeys) {
        (try secretKey(of: Self.aggregator), try AllowedKeys(of: self))
    }

    /// Who may connect, as the file says now.
    /// - Throws: `ConfigurationError` also for a list that every user of the machine can write.
    package func allowList() throws -> AllowList {
        var status = stat()
        if stat(allowed, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_mode & S_IWOTH != 0 {
            throw ConfigurationError("\(allowed): expected a file that others cannot write (chmod o-w)")
        }
        return try AllowList(text: try read(allowed), file: allowed)
    }

    /// What the holder of the key of that name needs to connect.
    /// - Parameter told: the aggregator's public key from another source; nil for the one in the folder.
    /// - Throws: `ConfigurationError`, also where the folder has another key than this one.
    package func clientSide(name: String, aggregatorKey told: String? = nil) throws -> Security {
        .curveClient(key: try secretKey(of: name), server: try aggregatorKey(told: told))
    }

    private func aggregatorKey(told: String?) throws -> CurvePublicKey {
        let file = publicFile(Self.aggregator)
        guard let told else { return try publicKey(in: file) }
        guard let key = CurvePublicKey(z85: told) else {
            throw ConfigurationError("security.aggregator_key: expected a key of 40 characters, found '\(told)'")
        }
        if FileManager.default.fileExists(atPath: file), try line(of: file) != told {
            throw ConfigurationError("\(file): expected the aggregator's key \(told), found another")
        }
        return key
    }

    /// - Throws: `ConfigurationError` also where the folder has another public key of that name: nobody who is given that
    ///   one would be understood.
    private func secretKey(of name: String) throws -> CurveSecretKey {
        let (key, file) = (try secretKey(in: secretFile(name)), publicFile(name))
        guard FileManager.default.fileExists(atPath: file) else { return key }
        guard try key.publicKey() == publicKey(in: file) else {
            throw ConfigurationError("\(file): expected the public half of \(secretFile(name)), found another key")
        }
        return key
    }

    private func publicKey(in file: String) throws -> CurvePublicKey {
        guard let key = CurvePublicKey(z85: try line(of: file)) else { throw malformed(file) }
        return key
    }

    /// - Throws: `ConfigurationError` also for a file that others than its owner can read.
    func secretKey(in file: String) throws -> CurveSecretKey {
        guard let key = CurveSecretKey(z85: try line(of: file)) else { throw malformed(file) }
        try Self.requirePrivate(file)
        return key
    }

    /// - Throws: `ConfigurationError` for a file that others than its owner can read.
    static func requirePrivate(_ file: String) throws {
        // Of the file itself: in a volume of Kubernetes its name is a link, whose own mode says nothing.
        var status = stat()
        if stat(file, &status) == 0,
            !isPrivate(mode: Int(status.st_mode & 0o7777), owner: Int(status.st_uid), user: Int(getuid()))
        {
            throw ConfigurationError("\(file): expected a file that its owner alone can read (chmod 600)")
        }
    }

    /// Whether only those can read a file who should. What root gives a service is often lent to it through the group
    /// or an access list, which shows in the group's bits (systemd's credentials, volumes of Kubernetes).
    package static func isPrivate(mode: Int, owner: Int, user: Int) -> Bool {
        mode & (owner == 0 && user != 0 ? 0o037 : 0o077) == 0
    }

    private func malformed(_ file: String) -> ConfigurationError {
        ConfigurationError("\(file): expected a key of 40 characters, as 'impromptu keys' makes it")
    }

    func read(_ file: String) throws -> String {
        do throws(UnreadableFile) {
            return String(decoding: try RegularFile.bytes(of: file), as: UTF8.self)
        } catch {
            throw ConfigurationError("\(error); 'impromptu keys make --keys \(path)' makes the keys of a run")
        }
    }

    private func line(of file: String) throws -> String {
        try read(file).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
