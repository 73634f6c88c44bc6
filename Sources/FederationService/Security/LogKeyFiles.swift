import Files
import Foundation
import RunLog
import RunSettings
import Text

/// The key that the aggregator signs its log with, in a folder of keys: `log.secret` for the aggregator alone, `log.public`
/// for whoever verifies a log. Both hold 64 hexadecimal digits, which any Ed25519 library takes: the seed and the key.
public struct LogKeyFiles: Sendable {
    public let secretFile: String
    public let publicFile: String

    /// - Parameter folder: as for `KeyFolder`.
    public init(folder: String) {
        secretFile = folder + "/log.secret"
        publicFile = folder + "/log.public"
    }

    /// The aggregator's key, nil where the folder has none.
    /// - Throws: `ConfigurationError` for a file that holds none, or that others than its owner can read.
    package func read() throws -> LogKey? {
        var status = stat()
        guard stat(secretFile, &status) == 0 else { return nil }
        guard
            KeyFolder.isPrivate(
                mode: Int(status.st_mode & 0o7777), owner: Int(status.st_uid), user: Int(getuid()))
        else { throw ConfigurationError("\(secretFile): expected a file that its owner alone can read (chmod 600)") }
        guard let key = LogKey(seed: try Self.bytes(of: secretFile)) else { throw Self.malformed(secretFile) }
        return key
    }

    /// The public key of a file.
    /// - Throws: `ConfigurationError` for a file that holds none.
    public static func publicKey(in file: String) throws -> [UInt8] {
        let key = try bytes(of: file)
        guard key.count == 32 else { throw malformed(file) }
        return key
    }

    /// Makes the key, unless it is there.
    /// - Returns: whether it was made.
    public func make() throws -> Bool {
        guard !FileManager.default.fileExists(atPath: secretFile) else { return false }
        let key = LogKey.generate()
        try write(key.publicKey, to: publicFile, mode: 0o644)
        try write(key.seed, to: secretFile, mode: 0o600)
        return true
    }

    private func write(_ bytes: [UInt8], to file: String, mode: mode_t) throws {
        do throws(FileError) {
            // A public key without its secret is from a command that was interrupted.
            if mode == 0o644 { _ = unlink(file) }
            let new = try NewFile(file, flags: O_EXCL, mode: mode)
            try new.write("\(hexadecimal(bytes))\n".utf8)
            try new.synchronize()
            try new.close()
        } catch {
            throw ConfigurationError("\(error)")
        }
    }

    private static func bytes(of file: String) throws -> [UInt8] {
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
            throw ConfigurationError("\(file): cannot read")
        }
        guard let bytes = [UInt8](hexadecimal: text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw malformed(file)
        }
        return bytes
    }

    private static func malformed(_ file: String) -> ConfigurationError {
        ConfigurationError("\(file): expected a key of 64 hexadecimal digits, as 'impromptu keys' makes it for the log")
    }
}
