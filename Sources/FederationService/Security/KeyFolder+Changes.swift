import Files
import Foundation
import RunSettings
import ZeroMQTransport

/// Replacing and revoking keys. A change is a list of steps. Each happens as a whole or not at all; the same command
/// again takes those that are missing.
extension KeyFolder {
    package enum Step: Equatable, Sendable {
        /// A file that only its owner can read where it is secret.
        case write(String, String, isSecret: Bool = false)
        case rename(String, to: String)
        case remove(String)
    }

    /// Gives the holder of a name another key, for the same clients. The aggregator knows it once it reads its list again.
    public func rotate(_ name: String) throws { _ = try edit { try stepsToRotate(name) } }

    /// Takes a name off the list and removes its files. The aggregator locks its holder out once it reads its list again.
    /// - Returns: false where all of it was done before.
    public func revoke(_ name: String) throws -> Bool { try edit { try stepsToRevoke(name) } }

    /// The new secret waits under a name of its own until all else is done, so that a rotation which was interrupted is
    /// finished with the same key.
    package func stepsToRotate(_ name: String) throws -> [Step] {
        var lines = try allowedLines()
        try check(name, isIn: lines, to: "rotate")
        let next = nextSecretFile(name)
        let isBegun = exists(next)
        let secret = isBegun ? try secretKey(in: next) : try CurveSecretKey.generate()
        let key = try secret.publicKey()
        var steps: [Step] = isBegun ? [] : [.write(next, secret.z85 + "\n", isSecret: true)]
        if lines.entry(of: name)?.key != key.z85 {
            lines.replaceKey(of: name, by: key)
            steps.append(.write(allowed, lines.text))
        }
        return steps + stepsToShow(key, of: name) + [.rename(next, to: secretFile(name))]
    }

    /// The list comes first: what is left of an interrupted revocation lets nobody in.
    package func stepsToRevoke(_ name: String) throws -> [Step] {
        var lines = try allowedLines()
        let files = [nextSecretFile(name), secretFile(name), publicFile(name)]
        let removals = files.filter(exists).map(Step.remove)
        if name != Self.aggregator, lines.isRevoked(name: name) { return removals }
        try check(name, isIn: lines, to: "revoke")
        lines.revoke(name)
        return [.write(allowed, lines.text)] + removals
    }

    private func nextSecretFile(_ name: String) -> String { secretFile(name) + ".next" }

    private func check(_ name: String, isIn lines: AllowedLines, to change: String) throws {
        guard name != Self.aggregator else {
            throw ConfigurationError(
                "keys \(change): expected the name of a line of \(allowed), found the aggregator's own: every worker has to"
                    + " get another key of it, so make another folder")
        }
        guard lines.entry(of: name) == nil else { return }
        if lines.isRevoked(name: name) {
            throw ConfigurationError(
                "keys \(change): expected a key, found that \(name)'s is revoked: 'impromptu keys make --name' makes another"
            )
        }
        let names = lines.names.isEmpty ? "none" : lines.names.joined(separator: " ")
        throw ConfigurationError("keys \(change): expected a name of \(allowed) (\(names)), found '\(name)'")
    }

    // MARK: Files

    func exists(_ file: String) -> Bool { FileManager.default.fileExists(atPath: file) }

    func allowedLines() throws -> AllowedLines { try AllowedLines(text: try read(allowed), file: allowed) }

    /// Carries out the steps that `plan` finds while nobody else edits the folder.
    /// - Returns: whether there were any.
    func edit(_ plan: () throws -> [Step]) throws -> Bool {
        do {
            guard let lock = try FileLock(folder: path) else {
                throw ConfigurationError(
                    "\(path): expected to edit it alone; another 'impromptu keys' is at work there")
            }
            return try withExtendedLifetime(lock) {
                try AtomicFile.removeUnfinished(in: path)
                let steps = try plan()
                for step in steps { try Self.carryOut(step) }
                return !steps.isEmpty
            }
        } catch let error as FileError {
            throw ConfigurationError("\(error)")
        }
    }

    /// Returns once the step is on the disk.
    package static func carryOut(_ step: Step) throws(FileError) {
        switch step {
        case .write(let file, let text, let isSecret):
            try AtomicFile.replace(file, with: text.utf8, mode: isSecret ? 0o600 : nil, syncs: true)
        case .rename(let file, let name):
            guard rename(file, name) == 0 else { throw FileError(path: file, operation: "rename") }
            try Folder.synchronize(Folder.parent(of: name))
        case .remove(let file):
            guard unlink(file) == 0 || errno == ENOENT else { throw FileError(path: file, operation: "remove") }
            try Folder.synchronize(Folder.parent(of: file))
        }
    }
}
