import Foundation

/// Small files that are there whole or as they were before, and folders that outlast a power failure.
package enum DurableFile {
    /// Ends the name of a file that is being written.
    package static let unfinished = ".partial"

    /// Writes it under another name, syncs it, renames it and syncs its folder.
    /// - Throws: what the system says.
    package static func replace(_ path: String, with bytes: [UInt8]) throws {
        let descriptor = open(path + unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw POSIXError.current }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try handle.write(contentsOf: Data(bytes))
        try handle.synchronize()
        try handle.close()
        guard rename(path + unfinished, path) == 0 else { throw POSIXError.current }
        try synchronizeNames(in: URL(fileURLWithPath: path).deletingLastPathComponent())
    }

    /// Makes a folder with those above it, as far as they are not there, and returns once their names are on the disk.
    /// - Throws: what the system says.
    package static func makeFolder(_ path: String) throws {
        let folder = URL(fileURLWithPath: path)
        var above = [folder]
        while !FileManager.default.fileExists(atPath: above.last!.path) {
            above.append(above.last!.deletingLastPathComponent())
        }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for parent in above.dropFirst() { try synchronizeNames(in: parent) }
    }

    private static func synchronizeNames(in folder: URL) throws {
        let descriptor = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw POSIXError.current }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw POSIXError.current }
    }
}

extension POSIXError {
    /// The last call's.
    package static var current: POSIXError { POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
}
