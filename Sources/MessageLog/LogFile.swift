import Glibc

/// The descriptor of a log that is open for writing. Closing the descriptor also gives up the lock.
package final class LogFile: LogStorage {
    package let path: String
    package let descriptor: CInt
    package let isNew: Bool
    /// Whether `synchronize` waits for the disk.
    private let syncs: Bool

    private init(path: String, descriptor: CInt, isNew: Bool, syncs: Bool) {
        self.path = path
        self.descriptor = descriptor
        self.isNew = isNew
        self.syncs = syncs
    }

    /// Gives the lock up by name: a process that another thread is just starting holds a copy of the descriptor, and with
    /// it the lock, from its fork to its exec.
    deinit {
        unlock()
        _ = Glibc.close(descriptor)
    }

    /// Creates an empty file; the path must be free.
    package static func create(_ path: String, syncs: Bool = true) throws(LogError) -> LogFile {
        let file = try open(path, flags: O_RDWR | O_CREAT | O_EXCL, operation: "create", syncs: syncs)
        try file.lock()
        return file
    }

    /// Opens a file that exists.
    package static func open(_ path: String, syncs: Bool = true) throws(LogError) -> LogFile {
        let file = try open(path, flags: O_RDWR, operation: "open", syncs: syncs)
        try requireRegularFile(file.descriptor, path: path)
        try file.lock()
        return file
    }

    private static func open(
        _ path: String, flags: CInt, operation: String, syncs: Bool
    ) throws(LogError) -> LogFile {
        // Without O_NONBLOCK, opening a named pipe would wait for its other end.
        let descriptor = retryingInterrupted { Glibc.open(path, flags | O_CLOEXEC | O_NONBLOCK, 0o644) }
        guard descriptor >= 0 else { throw openFailure(path: path, operation: operation) }
        return LogFile(path: path, descriptor: descriptor, isNew: flags & O_CREAT != 0, syncs: syncs)
    }

    private func lock() throws(LogError) {
        guard retryingInterrupted({ flock(descriptor, LOCK_EX | LOCK_NB) }) != 0 else { return }
        if errno == EWOULDBLOCK { throw .locked(path: path) }
        throw .system("lock", path: path)
    }

    package func unlock() {
        _ = flock(descriptor, LOCK_UN)
    }

    /// - Throws: `LogError`, also where the file ends before the offset: what was written before is gone then.
    package func write(_ bytes: RawSpan, at offset: UInt64) throws(LogError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system("inspect", path: path) }
        guard status.st_mode & S_IFMT != S_IFREG || status.st_size >= off_t(offset) else {
            throw .unusable(
                path: path,
                reason: "expected at least \(offset) bytes, found \(status.st_size): it was changed by another hand")
        }
        var written = 0
        while written < bytes.byteCount {
            let count = bytes.withUnsafeBytes { bytes in
                let rest = bytes[written...]
                return pwrite(
                    descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count,
                    off_t(offset) + off_t(written))
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw .system("write to", path: path)
            }
            written += count
        }
    }

    package func synchronize() throws(LogError) {
        guard syncs else { return }
        guard retryingInterrupted({ fdatasync(descriptor) }) == 0 else { throw .system("sync", path: path) }
    }

    package func truncate(to length: UInt64) throws(LogError) {
        guard retryingInterrupted({ ftruncate(descriptor, off_t(length)) }) == 0 else {
            throw .system("truncate", path: path)
        }
    }

    package func synchronizeParent() throws(LogError) {
        guard syncs else { return }
        let directory = Self.parent(of: path)
        let parent = retryingInterrupted { Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard parent >= 0 else { throw .system("open the directory of", path: path) }
        defer { _ = Glibc.close(parent) }
        guard retryingInterrupted({ fsync(parent) }) == 0 else { throw .system("sync the directory of", path: path) }
    }

    package func map() throws(LogError) -> FileMap { try FileMap(path: path, descriptor: descriptor) }

    private static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

func retryingInterrupted(_ call: () -> CInt) -> CInt {
    while true {
        let result = call()
        if result != -1 || errno != EINTR { return result }
    }
}

/// - Returns: the file's size in bytes.
@discardableResult
func requireRegularFile(_ descriptor: CInt, path: String) throws(LogError) -> Int {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system("inspect", path: path) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notARegularFile(path: path) }
    return Int(status.st_size)
}

func openFailure(path: String, operation: String) -> LogError {
    switch errno {
    case ENOENT where operation != "create": .missing(path: path)
    case EEXIST: .exists(path: path)
    case EISDIR, ENXIO: .notARegularFile(path: path)
    default: .system(operation, path: path)
    }
}

extension LogError {
    /// Describes the present errno.
    static func system(_ operation: String, path: String) -> LogError {
        let code = errno
        return .system(operation: operation, path: path, code: code, reason: String(cString: strerror(code)))
    }
}
