import Glibc

/// A regular file that is open for reading. A pipe may never get its other end, and a device may have no end, so neither is
/// opened for a person who names one by mistake.
package struct RegularFile: ~Copyable {
    package let descriptor: Int32
    /// In bytes, when it was opened.
    package let size: Int
    private let path: String

    /// - Throws: `UnreadableFile` also for a folder, a FIFO, a socket or a device.
    package init(_ path: String) throws(UnreadableFile) {
        // With O_NONBLOCK, a FIFO opens at once.
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw UnreadableFile(path, code: errno) }
        do throws(UnreadableFile) {
            size = try Self.size(path) { fstat(descriptor, &$0) }
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    /// Asks that a path leads to a regular file, without opening it.
    package static func require(_ path: String) throws(UnreadableFile) { _ = try size(path) { stat(path, &$0) } }

    /// The whole content of a file.
    /// - Throws: `UnreadableFile` also where it has more bytes than `most`.
    package static func bytes(of path: String, atMost most: Int = 1 << 30) throws(UnreadableFile) -> [UInt8] {
        let file = try RegularFile(path)
        guard file.size <= most else { throw UnreadableFile(path, tooLong: most, "\(file.size)") }
        return try OpenedFile(path: path, descriptor: file.descriptor).content(expected: file.size, atMost: most)
    }

    /// Hands on the bytes in blocks, in their order, to the end of the file.
    package borrowing func forEachBlock(_ body: (UnsafeRawBufferPointer) -> Void) throws(UnreadableFile) {
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
        defer { block.deallocate() }
        while true {
            let count = read(descriptor, block.baseAddress, block.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw UnreadableFile(path, code: errno) }
            if count == 0 { return }
            body(UnsafeRawBufferPointer(rebasing: block[..<count]))
        }
    }

    private static func size(_ path: String, _ inspect: (inout stat) -> Int32) throws(UnreadableFile) -> Int {
        var status = stat()
        guard inspect(&status) == 0 else { throw UnreadableFile(path, code: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw UnreadableFile(path, reason: "expected a file, found \(kind(status.st_mode))")
        }
        return Int(status.st_size)
    }

    private static func kind(_ mode: mode_t) -> String {
        switch mode & S_IFMT {
        case S_IFDIR: "a folder"
        case S_IFIFO: "a FIFO"
        case S_IFSOCK: "a socket"
        default: "a device"
        }
    }
}

/// What a shell hands to a command as a file: `<(…)` is a pipe without a name, which has a writer and an end.
package enum GivenFile {
    /// The whole content of a regular file, or of a pipe without a name; `/dev/null` is empty.
    /// - Throws: `UnreadableFile` as `RegularFile.bytes`.
    package static func bytes(of path: String, atMost most: Int = 1 << 30) throws(UnreadableFile) -> [UInt8] {
        guard isUnnamedPipe(path) else {
            return path == "/dev/null" ? [] : try RegularFile.bytes(of: path, atMost: most)
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw UnreadableFile(path, code: errno) }
        defer { close(descriptor) }
        return try OpenedFile(path: path, descriptor: descriptor).content(expected: 0, atMost: most)
    }

    /// Whether a path leads to a pipe that lies in no folder: the kernel keeps those in a file system of their own, whose
    /// device has the major number 0 and which a pipe made here is in too.
    private static func isUnnamedPipe(_ path: String) -> Bool {
        var (found, own) = (stat(), stat())
        guard stat(path, &found) == 0, found.st_mode & S_IFMT == S_IFIFO else { return false }
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { return false }
        defer { for end in ends { close(end) } }
        return fstat(ends[0], &own) == 0 && own.st_dev == found.st_dev
    }
}

/// A descriptor that is read to its end.
private struct OpenedFile {
    let path: String
    let descriptor: Int32

    func content(expected size: Int, atMost most: Int) throws(UnreadableFile) -> [UInt8] {
        // One byte more than the size, so that the end is seen in the same round.
        var bytes = [UInt8](repeating: 0, count: size + 1)
        var count = 0
        while true {
            let room = bytes.count - count
            let got = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress! + count, room) }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw UnreadableFile(path, code: errno) }
            if got == 0 { break }
            count += got
            guard count <= most else { throw UnreadableFile(path, tooLong: most, "more") }
            if count == bytes.count { bytes += [UInt8](repeating: 0, count: max(count, 4096)) }
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }
}
