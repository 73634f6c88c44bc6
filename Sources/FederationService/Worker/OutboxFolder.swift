import Dispatch
import Federation
import Files
import Foundation
import PromptAggregation
import PromptWire
import RunLog
import Synchronization
import Text

/// A client's outbox on the disk: a file for each update, there until the update is settled.
///
/// A file is named by run and task, and holds the SHA-256 of what follows and the update as a `ClientEnvelope`. It is written under another name, synced
/// and renamed, so a crash leaves the whole of it or nothing. `acknowledged.txt` gets a line for each update that was
/// acknowledged: what the client can say was taken.
///
/// What the client keeps for its next task lies beside, a file for each run. It changes together with the update of the
/// task that it comes from: it is written as `….personal.next` before the update and renamed after it, and what a crash left
/// under that name counts only where its update is there.
package final class OutboxFolder: Sendable {
    private let path: String
    private let thread: DispatchQueue
    private let lock: FileLock
    /// What earlier sessions left behind, in the order of its making.
    package let left: [Kept]

    /// An update and its bytes as a `ClientEnvelope`, which are those of its file.
    package struct Kept: Equatable, Sendable {
        package let update: ClientMessage.Update
        package let message: [UInt8]

        package init(update: ClientMessage.Update, message: [UInt8]) {
            self.update = update
            self.message = message
        }
    }

    private static let ending = ".update"
    /// The client's account of what its updates give away, in one run.
    package func privacyAccount(run: UInt64) -> String { "\(path)/\(hexadecimal(run)).privacy.txt" }
    /// Called once if `acknowledged.txt` cannot be written.
    private let cannotNote: @Sendable (OutboxError) -> Void
    private let hasFailedToNote = Atomic<Bool>(false)

    /// - Parameters:
    ///   - thread: waits for the disk; the clients of a worker share it.
    ///   - cannotNote: called once if the list of acknowledged updates cannot be written. Nothing is lost by that.
    /// - Throws: `OutboxError` where the folder cannot be made, is used by another worker, or holds a damaged file.
    package init(
        path: String, client: ClientID, thread: DispatchQueue,
        cannotNote: @escaping @Sendable (OutboxError) -> Void = { _ in }
    ) throws {
        self.path = path + "/" + client.name
        self.thread = thread
        self.cannotNote = cannotNote
        do {
            try Folder.make(self.path)
            guard let lock = try FileLock(self.path + "/lock") else {
                throw OutboxError("\(self.path): another worker speaks for this client and keeps its updates here")
            }
            self.lock = lock
            left = try Self.read(self.path, of: client)
            try settlePersonal()
        } catch let error as OutboxError {
            throw error
        } catch let error as FileError {
            throw OutboxError("\(error), where a client's updates are to be kept")
        } catch {
            throw OutboxError("\(self.path): cannot keep updates: \(error.localizedDescription)")
        }
    }

    /// Why the folder is no longer this client's, nil while it is. It looks at the disk.
    package var problem: OutboxError? {
        guard !lock.isInForce else { return nil }
        return OutboxError(
            "\(path): the outbox was removed or replaced by another hand (\(path)/lock is not the file that was locked);"
                + " nothing more is sent")
    }

    /// All updates of a folder; what was not written to its end is removed.
    private static func read(_ path: String, of client: ClientID) throws -> [Kept] {
        let names = try FileManager.default.contentsOfDirectory(atPath: path)
        for name in names where name.hasSuffix(AtomicFile.unfinished) {
            try FileManager.default.removeItem(atPath: path + "/" + name)
        }
        let kept = try names.filter { $0.hasSuffix(ending) }.map { try read(file: path + "/" + $0, of: client) }
        return kept.sorted { ($0.update.run, $0.update.task) < ($1.update.run, $1.update.task) }
    }

    private static func read(file: String, of client: ClientID) throws -> Kept {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
        let message = Array(bytes.dropFirst(32))
        guard Digest(of: message).bytes == Array(bytes.prefix(32)), let decoded = try? ClientCodec.decode(message),
            case .update(let update) = decoded, update.client == client
        else {
            throw OutboxError(
                "\(file): expected an update of \(client) with its digest; remove the file to continue without it")
        }
        return Kept(update: update, message: message)
    }

    /// Writes an update and has it on the disk before `done` is called, on another thread.
    /// - Parameters:
    ///   - message: the update as a `ClientEnvelope`.
    ///   - personal: what the client keeps of the task; empty where it keeps nothing.
    package func store(
        _ id: UpdateID, _ message: [UInt8], personal: Parameters = Parameters(),
        done: @escaping @Sendable (OutboxError?) -> Void
    ) {
        thread.async { [self] in
            do throws(FileError) {
                let next = personalFile(run: id.run) + Self.next
                if !personal.entries.isEmpty {
                    let parts = PersonalParts(run: id.run, task: id.task, values: personal)
                    try AtomicFile.replace(next, with: parts.bytes, mode: 0o600, syncs: true)
                }
                try AtomicFile.replace(
                    file(of: id), with: Digest(of: message).bytes + message, mode: 0o600, syncs: true)
                if !personal.entries.isEmpty { try take(next) }
                done(nil)
            } catch {
                done(OutboxError("\(file(of: id)): cannot keep the update: \(error.reason)"))
            }
        }
    }

    private static let next = ".next"

    private func personalFile(run: UInt64) -> String { "\(path)/\(hexadecimal(run)).personal" }

    /// Puts what a task left in the place of what the one before left.
    private func take(_ next: String) throws(FileError) {
        let file = String(next.dropLast(Self.next.count))
        guard rename(next, file) == 0 else { throw FileError(path: file, operation: "rename") }
        try Folder.synchronize(path)
    }

    /// Takes what a crash left beside its update, and removes what has none.
    private func settlePersonal() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: path)
        for name in names where name.hasSuffix(".personal" + Self.next) {
            let file = path + "/" + name
            let parts = try Self.readPersonal(file)
            if left.contains(where: { $0.update.run == parts.run && $0.update.task == parts.task }) {
                try take(file)
            } else {
                unlink(file)
            }
        }
    }

    /// What the client keeps in a run; nil where it has kept nothing.
    /// - Throws: `OutboxError` for a damaged file.
    package func personal(run: UInt64) throws(OutboxError) -> PersonalParts? {
        let file = personalFile(run: run)
        guard FileManager.default.fileExists(atPath: file) else { return nil }
        return try Self.readPersonal(file)
    }

    private static func readPersonal(_ file: String) throws(OutboxError) -> PersonalParts {
        do {
            return try PersonalParts([UInt8](Data(contentsOf: URL(fileURLWithPath: file))))
        } catch {
            throw OutboxError(
                "\(file): expected what the client keeps of its last task: \(error); remove the file to continue without it"
            )
        }
    }

    /// Removes an update that is settled. If that fails the update is sent again one day, which does no harm.
    package func discard(_ id: UpdateID, _ settlement: Settlement) {
        thread.async { [self] in
            if settlement == .acknowledged {
                do { try note(id) } catch { tell(error) }
            }
            unlink(file(of: id))
        }
    }

    /// Says that the list is not kept on, unless that was said.
    private func tell(_ problem: any Error) {
        guard !hasFailedToNote.exchange(true, ordering: .relaxed) else { return }
        let reason = (problem as? FileError)?.reason ?? problem.localizedDescription
        cannotNote(OutboxError("\(noted): cannot list what was acknowledged: \(reason)"))
    }

    private var noted: String { path + "/acknowledged.txt" }

    private func note(_ id: UpdateID) throws {
        let descriptor = open(noted, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileError(path: noted, operation: "open") }
        try FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
            .write(contentsOf: Data("\(hexadecimal(id.run)) \(id.task)\n".utf8))
    }

    /// Waits until all that was asked for is done.
    package func finish() { thread.sync {} }

    private func file(of id: UpdateID) -> String {
        "\(path)/\(hexadecimal(id.run))-\(id.task)\(Self.ending)"
    }
}

/// Why an outbox cannot be used, naming the file.
public struct OutboxError: Error, CustomStringConvertible, Equatable {
    public let description: String
    public init(_ description: String) { self.description = description }
}
