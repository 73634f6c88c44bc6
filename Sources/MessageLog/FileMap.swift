import Glibc

/// A file's bytes, mapped for reading or copied, up to where the file ended when it was opened. Messages that were read
/// keep them alive.
package final class FileMap: Sendable {
    package let path: String
    /// Immutable memory that lives as long as the map.
    nonisolated(unsafe) let bytes: UnsafeRawBufferPointer

    private let isCopy: Bool

    package convenience init(path: String) throws(LogError) {
        let descriptor = try Self.open(path)
        defer { _ = close(descriptor) }
        try self.init(path: path, descriptor: descriptor)
    }

    /// A copy of what the file holds now, for a file that another process may cut off: the system ends a process (SIGBUS)
    /// that reads a map behind the end of its file.
    package convenience init(copyOf path: String) throws(LogError) {
        let descriptor = try Self.open(path)
        defer { _ = close(descriptor) }
        self.init(path: path, owning: try Self.content(of: descriptor, path: path))
    }

    private static func open(_ path: String) throws(LogError) -> CInt {
        let descriptor = retryingInterrupted { Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        guard descriptor >= 0 else { throw openFailure(path: path, operation: "read") }
        return descriptor
    }

    /// All bytes, read again where the file became shorter meanwhile: the copy could mix what was cut off with what came
    /// after it.
    private static func content(of descriptor: CInt, path: String) throws(LogError) -> UnsafeMutableRawBufferPointer {
        while true {
            let size = try requireRegularFile(descriptor, path: path)
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
            do throws(LogError) {
                let count = try fill(memory, from: descriptor, path: path)
                if count == size, try requireRegularFile(descriptor, path: path) >= size { return memory }
            } catch {
                memory.deallocate()
                throw error
            }
            memory.deallocate()
        }
    }

    /// - Returns: how many bytes there were, fewer than asked for at the end of the file.
    private static func fill(
        _ memory: UnsafeMutableRawBufferPointer, from descriptor: CInt, path: String
    ) throws(LogError) -> Int {
        var count = 0
        while count < memory.count {
            let found = pread(descriptor, memory.baseAddress! + count, memory.count - count, off_t(count))
            if found == 0 { break }
            if found > 0 {
                count += found
            } else if errno != EINTR {
                throw .system("read", path: path)
            }
        }
        return count
    }

    init(path: String, descriptor: CInt) throws(LogError) {
        let size = try requireRegularFile(descriptor, path: path)
        self.path = path
        isCopy = false
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

    /// Lets the system have the memory of some bytes of the file again. Who reads them once more gets them from the file.
    func giveBack(_ range: Range<Int>) {
        guard !isCopy, let start = bytes.baseAddress else { return }
        // Whole pages only: their neighbours may be in use.
        let page = Int(sysconf(CInt(_SC_PAGESIZE)))
        let (first, end) = ((range.lowerBound + page - 1) / page * page, range.upperBound / page * page)
        guard first < end else { return }
        _ = madvise(UnsafeMutableRawPointer(mutating: start + first), end - first, MADV_DONTNEED)
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
