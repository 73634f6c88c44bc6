import Glibc

/// A file's bytes, mapped for reading, up to where the file ended when it was opened. Messages that were read keep the
/// map alive.
package final class FileMap: Sendable {
    package let path: String
    /// Immutable memory that lives as long as the map.
    nonisolated(unsafe) let bytes: UnsafeRawBufferPointer

    private let isCopy: Bool

    package convenience init(path: String) throws(LogError) {
        let descriptor = retryingInterrupted { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        guard descriptor >= 0 else { throw openFailure(path: path, operation: "read") }
        defer { _ = close(descriptor) }
        try self.init(path: path, descriptor: descriptor)
    }

    init(path: String, descriptor: CInt) throws(LogError) {
        try requireRegularFile(descriptor, path: path)
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system("inspect", path: path) }
        self.path = path
        isCopy = false
        let size = Int(status.st_size)
        // A map of nothing is an error to the system, not to us.
        guard size > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let start = mmap(nil, size, PROT_READ, MAP_SHARED, descriptor, 0), start != MAP_FAILED else {
            throw .system("map", path: path)
        }
        _ = madvise(start, size, MADV_SEQUENTIAL)
        bytes = UnsafeRawBufferPointer(start: start, count: size)
    }

    /// A copy of bytes that are no file of the operating system's.
    package init(path: String, copying content: [UInt8]) {
        self.path = path
        isCopy = true
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: content.count, alignment: 16)
        memory.copyBytes(from: content)
        bytes = UnsafeRawBufferPointer(memory)
    }

    /// Bytes that were made of those of a file; the map deallocates them.
    init(path: String, owning memory: UnsafeMutableRawBufferPointer) {
        self.path = path
        isCopy = true
        bytes = UnsafeRawBufferPointer(memory)
    }

    deinit {
        guard let start = bytes.baseAddress else { return }
        if isCopy {
            bytes.deallocate()
        } else {
            munmap(UnsafeMutableRawPointer(mutating: start), bytes.count)
        }
    }
}
