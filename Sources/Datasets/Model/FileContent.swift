import Foundation

/// Reads files of bounded size whole.
enum FileContent {
    /// The most bytes that are read of one file.
    static let mostBytes = 1 << 30

    /// The bytes of a regular file. A mapped file would trap where it shrinks, and a pipe would never end.
    /// - Throws: `DatasetError.unreadable`.
    static func read(_ path: String) throws(DatasetError) -> [UInt8] {
        let file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { throw .unreadable(file: path, reason: reason(errno)) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw .unreadable(file: path, reason: reason(errno)) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .unreadable(file: path, reason: "expected a file, found \(kind(status.st_mode))")
        }
        guard status.st_size <= mostBytes else {
            throw .unreadable(file: path, reason: "expected at most \(mostBytes) bytes, found \(status.st_size)")
        }
        // One byte more than the size, so that the end is seen in the same round.
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size) + 1)
        var count = 0
        while count < bytes.count {
            let size = bytes.count - count
            let got = bytes.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress! + count, size) }
            if got < 0 {
                if errno == EINTR { continue }
                throw .unreadable(file: path, reason: reason(errno))
            }
            if got == 0 { break }
            count += got
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    private static func reason(_ code: CInt) -> String { String(cString: strerror(code)) }

    private static func kind(_ mode: mode_t) -> String {
        switch mode & S_IFMT {
        case S_IFDIR: "a folder"
        case S_IFIFO: "a pipe"
        case S_IFSOCK: "a socket"
        default: "a device"
        }
    }
}
