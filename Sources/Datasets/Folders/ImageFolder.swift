import Foundation

extension ImageFiles {
    /// Finds the images of a folder and their classes by the folders that they lie in (`FolderLayout`), and says what it
    /// leaves out. No image is opened.
    ///
    /// Classes are the first level of folders: `CLASS/…`, in a split `train/CLASS/…` with `test/CLASS/…` or
    /// `val/CLASS/…`, or in one of several domains `DOMAIN/CLASS/…` that all have the same classes. Images may also lie in
    /// a folder `images` in that of their class (TinyImageNet), or, for all classes, in `CLASS/train` and `CLASS/test`.
    ///
    /// - Throws: `DatasetError.unsuitable` for a layout that is none of these or could be two of them,
    ///   `DatasetError.unreadable` for a folder that cannot be listed.
    public static func folder(_ path: String, name: String? = nil) throws(DatasetError) -> ImageFiles {
        let url = URL(fileURLWithPath: path)
        // Paths below shall not have two slashes.
        let path = path.count > 1 && path.hasSuffix("/") ? url.path : path
        let tree = try FolderTree(path: path)
        let layout = try FolderLayout(tree)
        var reader = FolderReader()
        try reader.read(layout)
        reader.countOmissions(tree)
        return ImageFiles(
            name: name ?? url.standardizedFileURL.lastPathComponent, path: path, classNames: reader.classNames,
            domains: reader.domains,
            files: reader.files, omitted: reader.omitted.omissions)
    }

    /// The files in a folder and all folders in it that are images by their names, ascending by folder; in any layout.
    /// - Throws: `DatasetError.unreadable` for a folder that cannot be listed.
    public static func paths(below folder: String) throws(DatasetError) -> [String] {
        try FolderTree(path: folder).imagePaths
    }
}

/// Collects the images of a layout and what it leaves out.
private struct FolderReader {
    private(set) var classNames: [String] = []
    private(set) var domains: [String] = []
    private(set) var files: [ImageFiles.File] = []
    private(set) var omitted = OmissionCounter()
    /// Folders whose images are used.
    private var used: Set<String> = []
    /// Files that say something about the images.
    private var consulted: Set<String> = []
    /// Why images that lie in or below a folder are not used, unless they are.
    private var reasons: [String: Omission.Reason] = [:]

    mutating func read(_ layout: FolderLayout) throws(DatasetError) {
        switch layout {
        case .classes(let classes):
            classNames = classes.map(\.name)
            add(classes)
        case .splits(let train, let test, let unused):
            classNames = train.map(\.name)
            add(train, split: .train)
            switch test {
            case .classes(let classes): add(classes, split: .test)
            case .annotated(let images, let file): try add(images, annotations: file)
            case nil: break
            }
            for folder in unused { reasons[folder.path] = .otherSplit }
        case .splitClasses(let classes):
            classNames = classes.map(\.name)
            add(classes)
        case .domains(let domains):
            self.domains = domains.map(\.name)
            classNames = domains[0].classes.map(\.name)
            for (place, domain) in domains.enumerated() { add(domain.classes, domain: place) }
        }
    }

    private mutating func add(_ classes: [ClassFolder], split: KnownDataset.Split? = nil, domain: Int = 0) {
        for folder in classes {
            reasons[folder.path] = .nested
            add(folder.images, label: classNames.firstIndex(of: folder.name)!, split: split, domain: domain)
        }
    }

    private mutating func add(_ folder: FolderTree, label: Int, split: KnownDataset.Split?, domain: Int = 0) {
        used.insert(folder.path)
        files += folder.images.map {
            ImageFiles.File(path: folder.path + "/" + $0, label: label, split: split, domain: domain)
        }
    }

    private mutating func add(_ classes: [(name: String, splits: [FolderTree])]) {
        let names = Set(classes.flatMap { $0.splits.map { $0.name.lowercased() } })
        let test = KnownDataset.Split.testNames.first(where: names.contains)
        for (label, folder) in classes.enumerated() {
            for inner in folder.splits {
                let split = KnownDataset.Split(name: inner.name)
                if split == .train || inner.name.lowercased() == test {
                    reasons[inner.path] = .nested
                    add(inner, label: label, split: split)
                } else {
                    reasons[inner.path] = .otherSplit
                }
            }
        }
    }

    /// Lines of a file's name, a tab, its class, and more that does not matter.
    private mutating func add(_ folder: FolderTree, annotations: String) throws(DatasetError) {
        let text = String(decoding: try FileContent.read(annotations), as: UTF8.self)
        consulted.insert(annotations)
        used.insert(folder.path)
        var named: Set<Substring> = []
        for (number, line) in text.split(whereSeparator: \.isNewline).enumerated() {
            let columns = line.split(separator: "\t")
            guard columns.count >= 2, let label = classNames.firstIndex(of: String(columns[1])) else {
                throw .unsuitable(
                    "\(annotations):\(number + 1): expected a file's name, a tab and one of the classes of train")
            }
            named.insert(columns[0])
            files.append(
                ImageFiles.File(
                    path: "\(folder.path)/\(columns[0])", mention: "\(annotations):\(number + 1)", label: label,
                    split: .test))
        }
        let rest = folder.images.count { !named.contains(Substring($0)) }
        if rest > 0 { omitted.add(.withoutClass, "\(folder.path) (\(rest))", count: rest) }
    }

    /// Walks over all folders, for what is not used.
    mutating func countOmissions(_ root: FolderTree) { countOmissions(root, root.path + "/", .withoutClass) }

    private mutating func countOmissions(_ folder: FolderTree, _ root: String, _ outer: Omission.Reason) {
        let reason = reasons[folder.path] ?? outer
        func below(_ path: String) -> String { path.hasPrefix(root) ? String(path.dropFirst(root.count)) : path }
        for name in folder.hidden { omitted.add(.hidden, below(folder.path + "/" + name)) }
        for name in folder.others where !consulted.contains(folder.path + "/" + name) {
            omitted.add(.notImages, below(folder.path + "/" + name))
        }
        if !folder.images.isEmpty, !used.contains(folder.path) {
            let count = folder.images.count
            let example = below(count > 1 ? folder.path : folder.path + "/" + folder.images[0])
            omitted.add(reason, count > 1 ? "\(example) (\(count))" : example, count: count)
        }
        for inner in folder.folders {
            if inner.isAlso == nil, inner.imageCount == 0 {
                omitted.add(.emptyFolders, below(inner.path))
            } else {
                countOmissions(inner, root, used.contains(folder.path) ? .nested : reason)
            }
        }
    }
}
