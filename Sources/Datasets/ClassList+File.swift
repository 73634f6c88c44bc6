import Foundation
import Text

extension ClassList {
    /// Takes classes from where they are listed or occur: a text file with a name on each line, a manifest `….csv`, a folder
    /// of images (`ImageFiles.folder`), or texts as `SiteImages.open` takes them. Unless they are listed, they are in
    /// ascending order; no image is read.
    /// - Throws: `DatasetError`.
    public init(from path: String) throws(DatasetError) {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw .unreadable(file: path, reason: "it does not exist")
        }
        if SiteImages.holdsTexts(path) {
            try self.init(TextFiles(path).classNames)
        } else if isDirectory.boolValue {
            try self.init(ImageFiles.folder(path).classNames)
        } else if (path as NSString).pathExtension.lowercased() == "csv" {
            try self.init(ImageFiles.manifest(path).classNames)
        } else {
            try self.init(Self.lines(of: path))
        }
    }

    /// Blanks at both ends of a line and empty lines do not count.
    private static func lines(of path: String) throws(DatasetError) -> [String] {
        let bytes = try FileContent.read(path)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .unsuitable("\(path): expected names in UTF-8, one on each line")
        }
        return Text.lines(of: text).map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }
}
