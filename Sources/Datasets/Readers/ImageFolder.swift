import Foundation
import PromptAggregation

/// Folders of JPEG and PNG files.
///
/// The layouts: `train/CLASS/…` with `test/CLASS/…` or `val/CLASS/…`; TinyImageNet's, where the files of a class lie in
/// `train/CLASS/images` and `val/val_annotations.txt` tells the classes of `val/images`; and without `train`, classes
/// (`CLASS/…`) or domains of the same classes (`DOMAIN/CLASS/…`, as PACS has them), of which a fifth is the test split.
struct ImageFolder {
    let path: String
    /// Ascending.
    let classNames: [String]
    private let layout: Layout

    private enum Layout {
        case split(test: String)
        case classes
        case domains([String])
    }

    /// Without `train`, one in so many images of each class is for the test split.
    private static let testShare = 5

    /// - Throws: `DatasetError.unsuitable` for a folder of no known layout.
    init(path: String) throws(DatasetError) {
        self.path = path
        let train = path + "/train"
        if Self.isFolder(train) {
            classNames = try Self.subfolders(train)
            layout = .split(test: try Self.testFolder(path, classNames))
        } else {
            let outer = try Self.subfolders(path)
            var domains: [String] = []
            for name in outer {
                let inner = try Self.subfolders(path + "/" + name)
                if !inner.isEmpty, inner != ["images"] { domains.append(name) }
            }
            if domains.isEmpty {
                classNames = outer
                layout = .classes
            } else {
                classNames = try Self.subfolders(path + "/" + domains[0])
                layout = .domains(domains)
            }
        }
        guard !classNames.isEmpty else {
            throw .unsuitable(
                "\(path): expected folders of images by class, by split and class, or by domain and class, found none")
        }
    }

    /// - Throws: `DatasetError.unsuitable` for a class without images.
    func load(_ split: KnownDataset.Split, name: String) throws(DatasetError) -> ImageDataset {
        switch layout {
        case .split(let test):
            let folder = split == .train ? path + "/train" : test
            let annotations = folder + "/val_annotations.txt"
            let files =
                FileManager.default.fileExists(atPath: annotations)
                ? try annotated(annotations, folder: folder + "/images") : try byClass(folder)
            return dataset(name, files)
        case .classes: return dataset(name, try part(split, of: path))
        case .domains(let domains):
            var parts: [ImageDataset] = []
            for domain in domains {
                let own = try Self.subfolders(path + "/" + domain)
                guard own == classNames else {
                    throw .unsuitable(
                        "\(path)/\(domain): expected the classes of \(domains[0]), \(classNames.joined(separator: ", ")),"
                            + " found \(own.joined(separator: ", "))")
                }
                parts.append(dataset(domain, try part(split, of: path + "/" + domain)))
            }
            return try .union(name: name, of: parts, sharingClasses: true)
        }
    }

    private func dataset(_ name: String, _ files: [(file: String, label: Int)]) -> ImageDataset {
        ImageDataset(
            name: name, classNames: classNames, labels: files.map(\.label),
            parts: [FileImages(files: files.map(\.file))])
    }

    private func byClass(_ folder: String) throws(DatasetError) -> [(file: String, label: Int)] {
        var files: [(file: String, label: Int)] = []
        for (label, name) in classNames.enumerated() {
            let own = "\(folder)/\(name)"
            let inner = own + "/images"
            let images = try Self.images(Self.isFolder(inner) ? inner : own)
            guard !images.isEmpty else { throw .unsuitable("\(own): expected JPEG or PNG files, found none") }
            files += images.map { ($0, label) }
        }
        return files
    }

    /// The part of the images without a split that is for training or for the test, drawn class by class and always the
    /// same.
    private func part(
        _ split: KnownDataset.Split, of folder: String
    ) throws(DatasetError) -> [(file: String, label: Int)] {
        let files = try byClass(folder)
        var random = SeededRandom(seed: 0, stream: 0x7465_7374)
        var isTest = [Bool](repeating: false, count: files.count)
        for label in classNames.indices {
            let places = files.indices.filter { files[$0].label == label }
            for place in places.shuffled(using: &random).prefix(places.count / Self.testShare) { isTest[place] = true }
        }
        return files.indices.filter { isTest[$0] == (split == .test) }.map { files[$0] }
    }

    /// Lines of a file's name, a tab, its class, and more that does not matter.
    private func annotated(_ file: String, folder: String) throws(DatasetError) -> [(file: String, label: Int)] {
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
            throw .unreadable(file: file, reason: "it is not text")
        }
        let places = Dictionary(uniqueKeysWithValues: classNames.enumerated().map { ($1, $0) })
        var files: [(file: String, label: Int)] = []
        for (number, line) in text.split(whereSeparator: \.isNewline).enumerated() {
            let columns = line.split(separator: "\t")
            guard columns.count >= 2, let label = places[String(columns[1])] else {
                throw .unsuitable(
                    "\(file):\(number + 1): expected a file's name, a tab and one of the classes of train")
            }
            files.append(("\(folder)/\(columns[0])", label))
        }
        return files
    }

    /// TinyImageNet's own `test` has no classes; then `val` is the test split.
    private static func testFolder(_ path: String, _ classNames: [String]) throws(DatasetError) -> String {
        for folder in ["\(path)/test", "\(path)/val"] where isFolder(folder) {
            if FileManager.default.fileExists(atPath: folder + "/val_annotations.txt") { return folder }
            if try subfolders(folder).contains(where: classNames.contains) { return folder }
        }
        throw .unsuitable("\(path): expected a folder test or val with the classes of train, found none")
    }

    private static func isFolder(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
    }

    private static func subfolders(_ path: String) throws(DatasetError) -> [String] {
        try names(path).filter { isFolder(path + "/" + $0) }
    }

    private static func images(_ path: String) throws(DatasetError) -> [String] {
        try names(path).filter { ImageFile.extensions.contains(($0 as NSString).pathExtension.lowercased()) }
            .map { path + "/" + $0 }
    }

    /// Of everything in a folder but hidden files, ascending.
    private static func names(_ path: String) throws(DatasetError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: path).filter { !$0.hasPrefix(".") }.sorted()
        } catch {
            throw .unreadable(file: path, reason: (error as NSError).localizedDescription)
        }
    }
}
