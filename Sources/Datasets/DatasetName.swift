import Foundation

/// A data set as a configuration names it: one, or several joined by `+`.
///
/// One is a known data set (`cifar10`), `folder:NAME` for image files in folders (`ImageFiles.folder`), `texts:NAME` for
/// texts in tables or in folders of classes, `texts:NAME:TEXT,LABEL` where the tables' columns have these names, `arrays:NAME` for
/// `train.safetensors` and `test.safetensors` (`ImageDataset.arrays`), or `records:NAME:CLASSESxCHANNELSxHEIGHTxWIDTH`
/// for `train.bin` and `test.bin` with one label byte an image. NAME is that of the folder, or of a folder in it.
public struct DatasetName: Hashable, Sendable {
    private enum Part: Hashable, Sendable {
        case known(KnownDataset)
        case folder(String)
        case texts(String, TextColumns)
        case arrays(String)
        case records(String, classes: Int, shape: ImageShape)
    }

    private let parts: [Part]
    /// As it was given.
    public let text: String

    /// The PFPT paper's four data sets, with CIFAR-10 instead of CINIC-10 and FER2013 instead of MMAFEDB.
    private static let four = "4-dataset"
    private static let fourParts: [KnownDataset] = [.mnistM, .fashionMNIST, .cifar10, .fer2013]

    /// The names of data sets that are downloaded or installed as they are.
    public static var known: [String] { KnownDataset.allCases.map(\.rawValue) }

    /// What a name may be, as the end of a sentence.
    public static var expected: String {
        let known = known.joined(separator: ", ")
        return
            "\(known), folder:NAME, texts:NAME or texts:NAME:TEXT,LABEL, arrays:NAME, records:NAME:CLASSESxCHANNELSxHEIGHTxWIDTH, several of these joined"
            + " by '+', or \(four)"
    }

    /// nil for a name that is none.
    public init?(_ text: String) {
        self.text = text
        if text == Self.four {
            parts = Self.fourParts.map(Part.known)
            return
        }
        let names = text.split(separator: "+", omittingEmptySubsequences: false)
        let parts = names.compactMap(Self.part)
        guard parts.count == names.count, Set(parts).count == parts.count else { return nil }
        self.parts = parts
    }

    private static func part(_ text: Substring) -> Part? {
        if let known = KnownDataset(rawValue: String(text)) { return .known(known) }
        let fields = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard fields.count >= 2, !fields[1].isEmpty else { return nil }
        switch (fields[0], fields.count) {
        case ("folder", 2): return .folder(fields[1])
        case ("texts", 2): return .texts(fields[1], TextColumns())
        case ("texts", 3):
            let columns = fields[2].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard columns.count == 2, columns.allSatisfy({ !$0.isEmpty }), columns[0] != columns[1] else { return nil }
            return .texts(fields[1], TextColumns(text: columns[0], label: columns[1]))
        case ("arrays", 2): return .arrays(fields[1])
        case ("records", 3):
            let extents = fields[2].split(separator: "x", omittingEmptySubsequences: false).compactMap { Int($0) }
            guard extents.count == 4, extents.allSatisfy({ (1...65_536).contains($0) }), extents[0] <= 256 else {
                return nil
            }
            return .records(
                fields[1], classes: extents[0],
                shape: ImageShape(channels: extents[1], height: extents[2], width: extents[3]))
        default: return nil
        }
    }

    /// Loads a split; several data sets become one, their classes one after the other.
    ///
    /// - Parameter unreadable: what becomes of image files that cannot be read (`ImageFiles.dataset`).
    public func load(
        _ split: KnownDataset.Split, from folders: DatasetFolders, unreadable: UnreadableImages? = nil
    ) throws -> ImageDataset {
        var folders = folders
        folders.holdsSeveral = parts.count > 1
        let loaded = try parts.map { try Self.load($0, split, from: folders, unreadable) }
        return loaded.count == 1 ? loaded[0] : try .union(name: text, of: loaded)
    }

    /// The name of each class; image files are not read, arrays of labels are.
    public func classNames(in folders: DatasetFolders) throws -> [String] {
        var folders = folders
        folders.holdsSeveral = parts.count > 1
        return try parts.flatMap { part in
            let (name, classes) = try Self.classNames(part, in: folders)
            return parts.count == 1 ? classes : classes.map { "\(name): \($0)" }
        }
    }

    private static func load(
        _ part: Part, _ split: KnownDataset.Split, from folders: DatasetFolders, _ unreadable: UnreadableImages?
    ) throws -> ImageDataset {
        switch part {
        case .known(let known): return try known.load(split, from: folders)
        case .folder(let name):
            return try ImageFiles.folder(folders.folder(name), name: name).dataset(split, unreadable: unreadable)
        case .texts(let name, let columns):
            return try TextFiles(folders.folder(name), columns: columns).dataset(split, name: name)
        case .arrays(let name):
            return try .arrays(
                name: name, file: try arrays(name, split, in: folders),
                classCount: try classNames(part, in: folders).classes.count)
        case .records(let name, let classes, let shape):
            let files = try folders.locate(name, [["\(split).bin"]], remedy: DatasetFolders.remedy)
            return try .records(
                name: name, classNames: (0..<classes).map(String.init), files: files, height: shape.height,
                width: shape.width, channels: shape.channels)
        }
    }

    private static func classNames(
        _ part: Part, in folders: DatasetFolders
    ) throws -> (name: String, classes: [String]) {
        switch part {
        case .known(let known): return (known.rawValue, known.classNames)
        case .folder(let name): return (name, try ImageFiles.folder(folders.folder(name)).classNames)
        case .texts(let name, let columns):
            return (name, try TextFiles(folders.folder(name), columns: columns).classNames)
        case .arrays(let name):
            let count = try ImageDataset.classCount(ofArrays: arrays(name, .train, in: folders))
            return (name, (0..<count).map(String.init))
        case .records(let name, let classes, _): return (name, (0..<classes).map(String.init))
        }
    }

    private static func arrays(
        _ name: String, _ split: KnownDataset.Split, in folders: DatasetFolders
    ) throws -> String {
        try folders.locate(name, [["\(split).safetensors"]], remedy: DatasetFolders.remedy)[0]
    }
}
