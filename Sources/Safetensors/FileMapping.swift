#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A file's bytes, mapped read-only; unmapped when the last reference goes.
///
/// The bytes never change after `init`, so any thread may read them.
final class FileMapping: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer

    init(path: String) throws(SafetensorsError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(path: path, String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw .unreadable(path: path, String(cString: strerror(errno)))
        }
        guard status.st_mode & S_IFMT != S_IFDIR else {
            throw .unreadable(path: path, "expected a file, found a folder")
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .unreadable(path: path, "expected a regular file") }
        let count = Int(status.st_size)
        guard count > 0 else { throw .foreign(path: path, .empty) }
        guard let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
            throw .unreadable(path: path, String(cString: strerror(errno)))
        }
        bytes = UnsafeRawBufferPointer(start: start, count: count)
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress!), bytes.count) }
}
