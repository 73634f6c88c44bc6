import Glibc

/// Folders that outlast a power failure.
package enum Folder {
    /// Whether a folder is there.
    package static func exists(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Makes a folder with those above it, as far as they are not there, and returns once their names are on the disk.
    package static func make(_ path: String) throws(FileError) {
        var status = stat()
        if stat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFDIR else {
                throw FileError(path: path, operation: "make the folder", code: ENOTDIR)
            }
            return
        }
        let above = parent(of: path)
        if above != path { try make(above) }
        // Another process may be faster.
        guard mkdir(path, 0o777) == 0 || errno == EEXIST else {
            throw FileError(path: path, operation: "make the folder")
        }
        try synchronize(above)
    }

    /// Returns once the names in a folder are on the disk.
    package static func synchronize(_ path: String) throws(FileError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(path: path, operation: "open the folder") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FileError(path: path, operation: "sync the folder") }
    }

    /// The folder that a path's last part lies in.
    package static func parent(of path: String) -> String {
        let trimmed = path.lastIndex { $0 != "/" }.map { path[...$0] } ?? "/"
        guard let slash = trimmed.lastIndex(of: "/") else { return "." }
        return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
    }
}
