/// Images in files of their own, decoded when they are asked for.
struct FileImages: ImagePart {
    struct File: Hashable, Sendable {
        var path: String
        /// Where the file is named, such as a line of a manifest; nil where it was found in a folder.
        var mention: String?
    }

    let files: [File]

    var count: Int { files.count }
    func shape(of index: Int) throws(DatasetError) -> ImageShape { try ImageFile.shape(files[index].path) }

    func place(of index: Int) -> String {
        files[index].path + (files[index].mention.map { " (\($0))" } ?? "")
    }

    func withPixels<R>(
        of index: Int, _ body: (UnsafeBufferPointer<UInt8>, ImageShape) -> R
    ) throws(DatasetError) -> R {
        let (pixels, shape) = try ImageFile.decode(files[index].path)
        return pixels.withUnsafeBufferPointer { withPlanes(of: $0, shape, body) }
    }
}

extension ImageDataset {
    /// Image files in the given order, all of one class without a name: for whoever knows no classes. None is opened.
    public static func files(_ paths: [String], name: String) -> ImageDataset {
        ImageDataset(
            name: name, classNames: [""], labels: paths.map { _ in 0 },
            parts: [FileImages(files: paths.map { FileImages.File(path: $0) })])
    }
}
