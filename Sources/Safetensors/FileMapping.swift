import Files
import Glibc

/// A file's bytes, mapped read-only; unmapped when the last reference goes.
///
/// The bytes never change after `init`, so any thread may read them.
final class FileMapping: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer

    init(path: String) throws(SafetensorsError) {
        let file: RegularFile
        do throws(UnreadableFile) { file = try RegularFile(path) } catch {
            throw .unreadable(path: path, error.reason)
        }
        let count = file.size
        guard count > 0 else { throw .foreign(path: path, .empty) }
        guard let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, file.descriptor, 0), start != MAP_FAILED else {
            throw .unreadable(path: path, String(cString: strerror(errno)))
        }
        bytes = UnsafeRawBufferPointer(start: start, count: count)
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress!), bytes.count) }
}
