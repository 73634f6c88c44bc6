import Glibc

/// A file that is being written from its beginning. It closes when nobody holds it any more. For one
/// thread at a time.
package final class NewFile {
    private let path: String
    /// Below 0 once it is closed.
    private var descriptor: Int32

    /// - Parameters:
    ///   - flags: `O_EXCL` keeps a file that is there, `O_TRUNC` replaces its bytes.
    ///   - mode: permissions, less the process's umask.
    package init(_ path: String, flags: Int32, mode: mode_t) throws(FileError) {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, mode)
        guard descriptor >= 0 else { throw FileError(path: path, operation: "make") }
    }

    package func write(_ bytes: some Collection<UInt8>) throws(FileError) {
        let failure = bytes.withContiguousStorageIfAvailable(writeAll) ?? Array(bytes).withUnsafeBufferPointer(writeAll)
        if let failure { throw failure }
    }

    private func writeAll(_ bytes: UnsafeBufferPointer<UInt8>) -> FileError? {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, UnsafeBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return FileError(path: path, operation: "write") }
            rest = rest.dropFirst(count)
        }
        return nil
    }

    /// Returns once the bytes are on the disk; the file's name need not be.
    package func synchronize() throws(FileError) {
        guard fsync(descriptor) == 0 else { throw FileError(path: path, operation: "sync") }
    }

    /// Closes it. Some file systems say only now that they could not write.
    package func close() throws(FileError) {
        defer { descriptor = -1 }
        guard Glibc.close(descriptor) == 0 || errno == EINTR else { throw FileError(path: path, operation: "write") }
    }

    deinit { if descriptor >= 0 { _ = Glibc.close(descriptor) } }
}
