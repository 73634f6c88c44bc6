import Files
import Foundation
import RunLog
import RunSettings
import Text

/// The key that the aggregator signs its log with, in the folder of a run's keys: `log.secret` for the aggregator alone,
/// `log.public` for whoever verifies a log. Both hold 64 hexadecimal digits, which any Ed25519 library takes: the seed and
/// the key.
extension KeyFolder {
    private static let log = "log"

    /// The aggregator's key, nil where the folder has none.
    /// - Throws: `ConfigurationError` for a file that holds none, or that others than its owner can read.
    package func logKey() throws -> LogKey? {
        let file = secretFile(Self.log)
        guard exists(file) else { return nil }
        try Self.requirePrivate(file)
        guard let key = LogKey(seed: try Self.hexadecimalKey(in: file)) else { throw Self.malformedLogKey(file) }
        return key
    }

    /// The public key of a file.
    /// - Throws: `ConfigurationError` for a file that holds none.
    public static func logPublicKey(in file: String) throws -> [UInt8] {
        let key = try hexadecimalKey(in: file)
        guard key.count == 32 else { throw malformedLogKey(file) }
        return key
    }

    /// Makes the key, unless it is there.
    /// - Returns: whether it was made.
    public func makeLogKey() throws -> Bool { try edit { stepsToMakeLogKey() } }

    /// A public key without its secret is from a command that was interrupted, and gives way.
    package func stepsToMakeLogKey() -> [Step] {
        guard !exists(secretFile(Self.log)) else { return [] }
        let key = LogKey.generate()
        return [
            .write(publicFile(Self.log), hexadecimal(key.publicKey) + "\n"),
            .write(secretFile(Self.log), hexadecimal(key.seed) + "\n", isSecret: true),
        ]
    }

    private static func hexadecimalKey(in file: String) throws -> [UInt8] {
        let text = String(decoding: try keyBytes(of: file), as: UTF8.self)
        guard let bytes = [UInt8](hexadecimal: text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw malformedLogKey(file)
        }
        return bytes
    }

    private static func keyBytes(of file: String) throws -> [UInt8] {
        do throws(UnreadableFile) { return try RegularFile.bytes(of: file) } catch {
            throw ConfigurationError("\(error)")
        }
    }

    private static func malformedLogKey(_ file: String) -> ConfigurationError {
        ConfigurationError("\(file): expected a key of 64 hexadecimal digits, as 'impromptu keys' makes it for the log")
    }
}
