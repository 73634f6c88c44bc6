import Datasets
import Files
import Foundation

/// The images that a prediction is asked for, in order.
public struct PredictionInputs: Sendable {
    public struct Item: Hashable, Sendable {
        /// Of an image; of a text where it stands.
        public var path: String
        /// nil for an image.
        public var text: String?
        /// The number of its class; nil without labels.
        public var label: Int?
    }
    public private(set) var items: [Item] = []
    /// Folders that were named and hold no image.
    public private(set) var emptyFolders: [String] = []

    /// - Parameters:
    ///   - names: image files, folders, manifests (`….csv`), or `-` for paths in lines of standard input.
    ///   - classes: where labels are asked for: the model's classes. Folders must then be laid out by class, and manifests
    ///     name the labels.
    ///   - split: of folders and manifests; nil for all images.
    ///   - standardInput: reads a line.
    /// - Throws: `DatasetError`, or `PredictionError` for what has no labels and for no image at all.
    public init(
        _ names: [String], classes: ClassList? = nil, split: KnownDataset.Split? = nil,
        standardInput: () -> String? = { readLine() }
    ) throws {
        for name in names {
            if Folder.exists(name) {
                if classes == nil, split == nil {
                    let paths = try ImageFiles.paths(below: name)
                    items += paths.map { Item(path: $0) }
                    if paths.isEmpty { emptyFolders.append(name) }
                } else {
                    try add(ImageFiles.folder(name), classes, split)
                }
            } else if (name as NSString).pathExtension.lowercased() == "csv" {
                try add(ImageFiles.manifest(name, needsLabels: classes != nil), classes, split)
            } else {
                guard classes == nil else {
                    throw PredictionError("\(name): expected a folder of classes or a manifest with --labels")
                }
                if name == "-" {
                    while let line = standardInput() {
                        if !line.allSatisfy(\.isWhitespace) { items.append(Item(path: line)) }
                    }
                } else {
                    items.append(Item(path: name))
                }
            }
        }
        guard !items.isEmpty else {
            throw PredictionError("\(names.joined(separator: ", ")): expected images, found none")
        }
    }

    /// Texts.
    ///
    /// - Parameters:
    ///   - names: tables (`….csv`, `….tsv`, `….jsonl`), files `….txt` with a text on each line, folders of these as data sets
    ///     have them, or `-` for a text in each line of standard input.
    ///   - classes: where labels are asked for: the model's classes.
    ///   - split: nil for all texts.
    /// - Throws: `DatasetError`, or `PredictionError` for what has no labels and for no text at all.
    public init(
        texts names: [String], classes: ClassList? = nil, split: KnownDataset.Split? = nil,
        standardInput: () -> String? = { readLine() }
    ) throws {
        for name in names {
            if name == "-" {
                guard classes == nil else {
                    throw PredictionError("\(name): expected a table or a folder of classes with --labels")
                }
                var line = 0
                while let text = standardInput() {
                    line += 1
                    if !text.isEmpty { items.append(Item(path: "line \(line)", text: text)) }
                }
                continue
            }
            let texts = try LabelledText.read(name, needsLabels: classes != nil, split: split)
            let places = try classes?.match(Set(texts.map(\.label)).sorted(), of: name).places
            let numbers = places.map { Dictionary(uniqueKeysWithValues: zip(Set(texts.map(\.label)).sorted(), $0)) }
            items += texts.map { Item(path: $0.place, text: $0.text, label: numbers?[$0.label]) }
        }
        guard !items.isEmpty else {
            throw PredictionError("\(names.joined(separator: ", ")): expected texts, found none")
        }
    }

    private mutating func add(_ files: ImageFiles, _ classes: ClassList?, _ split: KnownDataset.Split?) throws {
        let places = try classes?.match(files.classNames, of: files.path).places
        let numbers = places.map { Dictionary(uniqueKeysWithValues: zip(files.classNames, $0)) }
        items += files.labelledPaths(split).map { Item(path: $0.path, label: numbers?[$0.label]) }
    }
}
