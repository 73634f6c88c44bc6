import Foundation

/// The images that one participant of a federation holds, their classes numbered as the federation numbers them.
public struct SiteImages: Sendable {
    /// Where nothing marks images for the test, all of them.
    public let training: ImageDataset
    /// The images that are marked for the test; nil where none is.
    public let test: ImageDataset?
    /// Classes of the federation without an image here, in its order. Every participant may lack some.
    public let missingClasses: [String]

    public var classNames: [String] { training.classNames }
    /// What is not among the images, and why.
    public var omitted: [Omission] { training.omitted }

    /// Opens a folder of images (`ImageFiles.folder`), a manifest `….csv` (`ImageFiles.manifest`), a folder with
    /// `train.safetensors` and perhaps `test.safetensors`, or one such file (`ImageDataset.arrays`). Of texts it is a table
    /// `….csv`, `….tsv` or `….jsonl` with the columns text and label, or a folder with `train.csv` or the like, or one of
    /// classes with `.txt` files.
    ///
    /// - Parameters:
    ///   - classes: those of the federation; without them those that occur here, ascending. Labels of arrays are numbers of
    ///     the list already.
    ///   - unreadable: what becomes of image files that cannot be read; every one is read for that.
    /// - Throws: `DatasetError`, `SafetensorsError`; for unreadable images `DatasetError.unreadableImages`, for a class that
    ///   the list does not have `DatasetError.unsuitable`.
    public static func open(
        _ path: String, classes: ClassList? = nil, unreadable: UnreadableImages = .refuse
    ) throws -> SiteImages {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw DatasetError.unreadable(file: path, reason: "it does not exist")
        }
        if holdsTexts(path) { return try SiteImages(TextFiles(path), classes) }
        let (train, test) = (path + "/train.safetensors", path + "/test.safetensors")
        if isDirectory.boolValue {
            guard FileManager.default.fileExists(atPath: train) else {
                return try SiteImages(.folder(path), classes, unreadable)
            }
            let hasTest = FileManager.default.fileExists(atPath: test)
            return try SiteImages(arrays: train, test: hasTest ? test : nil, classes)
        }
        switch (path as NSString).pathExtension.lowercased() {
        case "csv": return try SiteImages(.manifest(path), classes, unreadable)
        case "safetensors": return try SiteImages(arrays: path, test: nil, classes)
        default:
            throw DatasetError.unsupported(
                file: path, problem: "expected a folder, a manifest (.csv) or arrays (.safetensors)")
        }
    }

    /// Whether a path is one of texts: a table of these, or a folder with tables or with `.txt` files by class. Folders of
    /// images may hold notes and tables too, so there a table must name texts in its header.
    public static func holdsTexts(_ path: String) -> Bool {
        guard TextFiles.mayHoldTexts(path) else { return false }
        guard DatasetFolders.isFolder(path), let tree = try? FolderTree(path: path), tree.imageCount > 0 else {
            return true
        }
        return TextFiles.hasTableOfTexts(in: path)
    }

    /// Refuses unknown classes before it reads any image.
    private init(_ files: ImageFiles, _ classes: ClassList?, _ unreadable: UnreadableImages) throws {
        _ = try classes?.match(files.classNames, of: files.path)
        let readable = try files.checked(unreadable)
        let train = try readable.dataset(readable.statesSplits ? .train : nil)
        let test = readable.marks(.test) ? try readable.dataset(.test) : nil
        guard let classes else {
            self.init(train, test)
            return
        }
        self.init(try train.numbered(by: classes), try test?.numbered(by: classes))
    }

    private init(_ files: TextFiles, _ classes: ClassList?) throws {
        _ = try classes?.match(files.classNames, of: files.path)
        let name = (files.path as NSString).lastPathComponent
        func load(_ split: KnownDataset.Split) throws -> ImageDataset {
            try files.dataset(split, name: name, classes: classes?.names)
        }
        self.init(try load(.train), files.hasTest ? try load(.test) : nil)
    }

    private init(arrays train: String, test: String?, _ classes: ClassList?) throws {
        let count = try classes?.names.count ?? ImageDataset.classCount(ofArrays: train)
        let name = ((train as NSString).deletingLastPathComponent as NSString).lastPathComponent
        func read(_ file: String) throws -> ImageDataset {
            let arrays = try ImageDataset.arrays(name: name, file: file, classCount: count)
            guard let classes else { return arrays }
            return arrays.relabelled(Array(0..<count), classNames: classes.names)
        }
        try self.init(read(train), test.map(read))
    }

    private init(_ training: ImageDataset, _ test: ImageDataset?) {
        self.training = training
        self.test = test
        let present = Set(training.labels + (test?.labels ?? []))
        missingClasses = training.classNames.indices.filter { !present.contains($0) }.map { training.classNames[$0] }
    }

    /// Some images of a data set.
    public struct Part: Sendable {
        public let images: ImageDataset
        public let indices: [Int]
    }

    /// What to train on, and what to hold out: the images that are marked for the test, or, where none is, a share of each
    /// class (`ImageDataset.trainingAndHeldOut`).
    /// - Parameter share: from 0 to 1.
    /// - Returns: without a second part where nothing is held out.
    public func divided(
        holdingOut share: Double, seed: UInt64
    ) throws(DatasetError) -> (training: Part, heldOut: Part?) {
        if let test {
            return (
                Part(images: training, indices: Array(training.labels.indices)),
                Part(images: test, indices: Array(test.labels.indices))
            )
        }
        let parts = try training.trainingAndHeldOut(share: share, seed: seed)
        return (
            Part(images: training, indices: parts.training),
            parts.heldOut.isEmpty ? nil : Part(images: training, indices: parts.heldOut)
        )
    }

    /// What a person should know before a run: images, classes, and all that is not used.
    public var lines: [String] {
        let total = training.count + (test?.count ?? 0)
        let kind = training.holdsTexts ? "text" : "image"
        let marked = test.map { ", \($0.count) of them for the test" } ?? ""
        let found = classNames.count - missingClasses.count
        let missing = missingClasses.isEmpty ? "" : ", none of \(listed(missingClasses, most: 20))"
        return ["\(total) \(kind)\(total == 1 ? "" : "s")\(marked), \(found) of \(classNames.count) classes\(missing)"]
            + omitted.map(\.description)
    }
}
