import Glibc

/// An exclusive lock on a file, held by one process at a time for as long as this value lives.
package final class FileLock: Sendable {
    private let descriptor: Int32

    /// Makes the file unless it is there.
    /// - Returns: nil where another holds the lock.
    package init?(_ path: String, mode: mode_t = 0o600) throws(FileError) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw FileError(path: path, operation: "open") }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            if code == EINTR { continue }
            // The other properties are set, so `deinit` closes the file.
            guard code == EWOULDBLOCK else { throw FileError(path: path, operation: "lock", code: code) }
            return nil
        }
    }

    /// A child that the process has forked holds the descriptor until it begins its program, and closing leaves the lock
    /// to it. So the lock is given up first.
    deinit {
        _ = flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
