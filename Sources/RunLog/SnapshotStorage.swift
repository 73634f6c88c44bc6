import Foundation

/// Where a run's snapshots lie, as the steps that a crash may come between: in a folder, or on a simulated disk.
package protocol SnapshotStorage {
    /// The names of all files; none where nothing was ever written.
    func names() throws -> [String]
    func read(_ name: String) throws -> [UInt8]
    /// Makes a file of these bytes and returns once they, but not the file's name, are on the disk.
    func write(_ bytes: [UInt8], to name: String) throws
    func rename(_ name: String, to other: String) throws
    func remove(_ name: String) throws
    /// Returns once the names are on the disk.
    func synchronize() throws
}

/// A folder of the file system's, which the first write makes.
package struct SnapshotFiles: SnapshotStorage {
    package let path: String

    package init(path: String) { self.path = path }

    package func names() throws -> [String] {
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        do {
            return try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            throw RunFolderError("\(path): cannot read the folder: \(error.localizedDescription)")
        }
    }

    package func read(_ name: String) throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: file(name)) else {
            throw RunFolderError("\(file(name)): cannot read")
        }
        return [UInt8](data)
    }

    package func write(_ bytes: [UInt8], to name: String) throws {
        try RunFolder(path: path).create()
        try leaveRoom(beyond: bytes.count)
        let descriptor = open(file(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw problem("make", name) }
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw problem("write", name) }
            rest.removeFirst(count)
        }
        guard fsync(descriptor) == 0 else { throw problem("sync", name) }
    }

    /// The log needs what is left of a disk that is almost full more than recovery needs snapshots.
    private func leaveRoom(beyond size: Int) throws {
        var disk = statvfs()
        guard statvfs(path, &disk) == 0 else { throw problem("inspect the disk of", "") }
        let free = Int(disk.f_bavail) * Int(disk.f_frsize)
        guard free >= 4 * size else {
            throw RunFolderError(
                "\(path): a snapshot of \(size) bytes would leave little of the disk's \(free) free bytes")
        }
    }

    package func rename(_ name: String, to other: String) throws {
        guard Foundation.rename(file(name), file(other)) == 0 else { throw problem("rename", name) }
    }

    package func remove(_ name: String) throws {
        guard unlink(file(name)) == 0 || errno == ENOENT else { throw problem("remove", name) }
    }

    package func synchronize() throws {
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw problem("open", "") }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw problem("sync", "") }
    }

    private func file(_ name: String) -> String { name.isEmpty ? path : path + "/" + name }

    private func problem(_ operation: String, _ name: String) -> RunFolderError {
        RunFolderError("\(file(name)): cannot \(operation): \(String(cString: strerror(errno)))")
    }
}
