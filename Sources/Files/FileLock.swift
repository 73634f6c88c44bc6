import Glibc

/// An exclusive lock on a file or a folder, held by one process at a time for as long as this value lives.
package final class FileLock: Sendable {
    private let path: String
    private let descriptor: Int32

    /// Makes the file unless it is there.
    /// - Returns: nil where another holds the lock.
    package convenience init?(_ path: String, mode: mode_t = 0o600) throws(FileError) {
        try self.init(path, open(path, O_RDWR | O_CREAT | O_CLOEXEC, mode))
    }

    /// Locks a folder that is there, without a file of its own in it.
    /// - Returns: nil where another holds the lock.
    package convenience init?(folder: String) throws(FileError) {
        try self.init(folder, open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
    }

    private init?(_ path: String, _ opened: Int32) throws(FileError) {
        self.path = path
        descriptor = opened
        guard descriptor >= 0 else { throw FileError(path: path, operation: "open") }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            if code == EINTR { continue }
            // The other properties are set, so `deinit` closes the file.
            guard code == EWOULDBLOCK else { throw FileError(path: path, operation: "lock", code: code) }
            return nil
        }
    }

    /// Whether the path still leads to the file or folder that is locked. Where it does not, another may hold a lock there.
    package var isInForce: Bool {
        var (held, found) = (stat(), stat())
        guard fstat(descriptor, &held) == 0, stat(path, &found) == 0 else { return false }
        return held.st_dev == found.st_dev && held.st_ino == found.st_ino
    }

    /// A child that the process has forked holds the descriptor until it begins its program, and closing leaves the lock
    /// to it. So the lock is given up first.
    deinit {
        _ = flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
