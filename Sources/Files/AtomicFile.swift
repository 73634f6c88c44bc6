import Glibc

/// A file that is there whole or as it was before, whatever happens to the process that writes it.
package enum AtomicFile {
    /// Ends the name of a file that is being written; one that a crash leaves behind may be removed.
    package static let unfinished = ".partial"

    /// Writes the bytes under another name in the same folder and renames that to `path`. On failure nothing of it stays.
    /// - Parameters:
    ///   - mode: permissions, less the process's umask; nil for those of the file that is replaced, or 0644.
    ///   - syncs: whether bytes and name are on the disk when the call returns.
    package static func replace(
        _ path: String, with bytes: some Collection<UInt8>, mode: mode_t? = nil, syncs: Bool = false
    ) throws(FileError) {
        let partial = "\(path).\(getpid())-\(UInt32.random(in: 0 ... .max))\(unfinished)"
        do throws(FileError) {
            let file = try NewFile(partial, flags: O_EXCL, mode: mode ?? permissions(of: path) ?? 0o644)
            try file.write(bytes)
            if syncs { try file.synchronize() }
            try file.close()
            guard rename(partial, path) == 0 else { throw FileError(path: path, operation: "replace") }
        } catch {
            unlink(partial)
            throw FileError(path: path, operation: error.operation, code: error.code)
        }
        if syncs { try Folder.synchronize(Folder.parent(of: path)) }
    }

    /// Removes what crashes left behind in a folder in which nobody writes just now.
    package static func removeUnfinished(in folder: String) throws(FileError) {
        guard let stream = opendir(folder) else { throw FileError(path: folder, operation: "open the folder") }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(unfinished) { unlink(folder + "/" + name) }
        }
    }

    private static func permissions(of path: String) -> mode_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o777 : nil
    }
}
