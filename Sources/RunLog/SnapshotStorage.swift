import Files
import Foundation

/// Where a run's snapshots lie, as the steps that a crash may come between: in a folder, or on a simulated disk.
package protocol SnapshotStorage {
    /// The names of all files; none where nothing was ever written.
    func names() throws -> [String]
    func read(_ name: String) throws -> [UInt8]
    /// Makes a file of its bytes and returns once they, but not the file's name, are on the disk.
    /// - Parameter size: its bytes.
    func write(_ snapshot: RunSnapshot, of size: Int, to name: String) throws
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
        do {
            return try RegularFile.bytes(of: file(name), atMost: .max)
        } catch {
            throw RunFolderError("\(error)")
        }
    }

    package func write(_ snapshot: RunSnapshot, of size: Int, to name: String) throws {
        try RunFolder(path: path).create()
        try leaveRoom(beyond: size)
        let new = try NewFile(file(name), flags: O_TRUNC, mode: 0o644)
        var written: Result<Void, FileError> = .success(())
        snapshot.write { piece in
            written = written.flatMap { Result { () throws(FileError) in try new.write(piece) } }
        }
        try written.get()
        try new.synchronize()
        try new.close()
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

    package func synchronize() throws { try Folder.synchronize(path) }

    private func file(_ name: String) -> String { name.isEmpty ? path : path + "/" + name }

    private func problem(_ operation: String, _ name: String) -> RunFolderError {
        RunFolderError("\(file(name)): cannot \(operation): \(String(cString: strerror(errno)))")
    }
}
