import Foundation

/// A folder and what lies below it, as image folders are read: names ascending, links followed.
struct FolderTree {
    let name: String
    let path: String
    /// Names of the files that are images by their names, whatever they hold.
    private(set) var images: [String] = []
    /// Names of the other files.
    private(set) var others: [String] = []
    /// Names that begin with a dot, and what operating systems leave in any folder. What lies below is not looked at.
    private(set) var hidden: [String] = []
    private(set) var folders: [FolderTree] = []
    /// The path by which this folder was met before, by way of a link; its content is then not read again.
    private(set) var isAlso: String?

    /// Files that are images by their names, here and below.
    var imageCount: Int { images.count + folders.reduce(0) { $0 + $1.imageCount } }

    /// The paths of these, those in the folder itself first.
    var imagePaths: [String] { images.map { path + "/" + $0 } + folders.flatMap(\.imagePaths) }

    /// The folders that hold images somewhere, or lead back to one met before.
    var filledFolders: [FolderTree] { folders.filter { $0.isAlso != nil || $0.imageCount > 0 } }

    /// Reads all that lies below a folder.
    /// - Throws: `DatasetError.unreadable` for a folder that cannot be listed, and for links that lead to each other.
    init(path: String) throws(DatasetError) {
        // A link that leads back above the root would bring in all that lies there.
        var known: [FileIdentity: String] = [:]
        var above = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        while above != "/" {
            above = (above as NSString).deletingLastPathComponent
            if let identity = FileIdentity(above) { known[identity] = above }
        }
        try self.init(path: path, known: &known)
    }

    private init(path: String, known: inout [FileIdentity: String]) throws(DatasetError) {
        self.path = path
        name = (path as NSString).lastPathComponent
        var status = stat()
        if let identity = FileIdentity(path) {
            isAlso = known[identity]
            if isAlso != nil { return }
            known[identity] = path
        }
        for name in try Self.names(path) {
            let entry = path + "/" + name
            if Self.isHidden(name) {
                hidden.append(name)
                continue
            }
            let isThere = stat(entry, &status) == 0
            if !isThere, errno == ELOOP { throw .unreadable(file: entry, reason: String(cString: strerror(ELOOP))) }
            if isThere, status.st_mode & S_IFMT == S_IFDIR {
                folders.append(try FolderTree(path: entry, known: &known))
            } else if ImageFile.extensions.contains((name as NSString).pathExtension.lowercased()) {
                images.append(name)
            } else {
                others.append(name)
            }
        }
    }

    private struct FileIdentity: Hashable {
        var device: dev_t
        var number: ino_t

        /// nil where nothing is.
        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            (device, number) = (status.st_dev, status.st_ino)
        }
    }

    private static let systemNames: Set<String> = [
        "__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "$recycle.bin", "system volume information",
        "lost+found",
    ]

    private static func isHidden(_ name: String) -> Bool {
        name.hasPrefix(".") || systemNames.contains(name.lowercased())
    }

    private static func names(_ path: String) throws(DatasetError) -> [String] {
        guard let folder = opendir(path) else {
            throw .unreadable(file: path, reason: String(cString: strerror(errno)))
        }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let (name, repaired) = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: 256) {
                    (String(validatingCString: $0), String(cString: $0))
                }
            }
            guard let name else {
                throw .unreadable(file: path, reason: "expected names in UTF-8, found '\(repaired)'")
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}
