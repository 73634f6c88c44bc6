import Text

/// How the folders of a data set are to be understood. Where two readings are possible, none is taken.
enum FolderLayout {
    /// `CLASS/…`
    case classes([ClassFolder])
    /// `train/CLASS/…` beside `test/CLASS/…`; of several folders for the test one is used.
    case splits(train: [ClassFolder], test: TestFolder?, unused: [FolderTree])
    /// `CLASS/train/…`, `CLASS/test/…`
    case splitClasses([(name: String, splits: [FolderTree])])
    /// `DOMAIN/CLASS/…`, the same classes in each.
    case domains([(name: String, classes: [ClassFolder])])

    enum TestFolder {
        case classes([ClassFolder])
        /// TinyImageNet's `val`: one folder of images, and a file that names their classes.
        case annotated(images: FolderTree, file: String)
    }

    static let annotations = "val_annotations.txt"

    /// - Throws: `DatasetError.unsuitable` for a folder of no known layout, or of more than one.
    init(_ root: FolderTree) throws(DatasetError) {
        let folders = root.filledFolders
        try FolderProblem.refuseRepeated(folders)
        if let splits = try Self.splits(root, folders) {
            self = splits
            return
        }
        try FolderProblem.refuseSplitNames(root, folders)
        let containers = folders.filter { ClassFolder($0) == nil }
        if containers.isEmpty {
            self = .classes(try ClassFolder.all(in: root))
        } else if containers.count < folders.count {
            throw FolderProblem.mixed(root, folders, containers)
        } else if containers.allSatisfy(Self.holdsSplits) {
            self = .splitClasses(containers.map { ($0.name, $0.filledFolders) })
        } else {
            self = .domains(try Self.domains(root, containers))
        }
    }

    private static func splits(_ root: FolderTree, _ folders: [FolderTree]) throws(DatasetError) -> FolderLayout? {
        let trains = folders.filter { KnownDataset.Split(name: $0.name) == .train && !$0.filledFolders.isEmpty }
        guard let train = trains.first else { return nil }
        guard trains.count == 1 else { throw FolderProblem.splitOrClass(train, beside: trains.dropFirst(), in: root) }
        let classes = try ClassFolder.all(in: train)
        var test: TestFolder?
        var unused: [FolderTree] = []
        for name in KnownDataset.Split.testNames {
            for folder in folders where folder.name.lowercased() == name {
                if test == nil, let found = try Self.test(folder, train: classes) {
                    test = found
                } else {
                    unused.append(folder)
                }
            }
        }
        // Beside two splits of the same classes, other folders leave no doubt.
        let strangers = folders.filter { KnownDataset.Split(name: $0.name) == nil }
        guard test != nil || strangers.isEmpty else {
            throw FolderProblem.splitOrClass(train, beside: strangers[...], in: root)
        }
        return .splits(train: classes, test: test, unused: unused)
    }

    /// nil for images without classes, as those of TinyImageNet's own `test` are.
    private static func test(_ folder: FolderTree, train: [ClassFolder]) throws(DatasetError) -> TestFolder? {
        if folder.others.contains(annotations), let images = folder.folders.first(where: { $0.name == "images" }) {
            return .annotated(images: images, file: folder.path + "/" + annotations)
        }
        guard !folder.filledFolders.isEmpty, folder.filledFolders.map(\.name) != ["images"] else { return nil }
        let classes = try ClassFolder.all(in: folder)
        let known = train.map(\.name)
        if let stranger = classes.first(where: { !known.contains($0.name) }) {
            throw .unsuitable(
                "\(folder.path): expected the classes of the training split, \(listed(known)), found '\(stranger.name)'"
                    + suggestion(for: stranger.name, among: known))
        }
        return .classes(classes)
    }

    private static func holdsSplits(_ folder: FolderTree) -> Bool {
        folder.filledFolders.allSatisfy { KnownDataset.Split(name: $0.name) != nil && !$0.images.isEmpty }
    }

    private static func domains(
        _ root: FolderTree, _ folders: [FolderTree]
    ) throws(DatasetError) -> [(name: String, classes: [ClassFolder])] {
        let classes = folders.map { $0.filledFolders.map(\.name) }
        guard folders.count > 1, Set(classes).count == 1 else { throw FolderProblem.classesOrDomains(root, folders) }
        var domains: [(name: String, classes: [ClassFolder])] = []
        for folder in folders { domains.append((folder.name, try ClassFolder.all(in: folder))) }
        return domains
    }
}

/// A folder that is named like its class.
struct ClassFolder {
    let name: String
    /// The folder itself.
    let path: String
    /// Where the images lie: the folder itself, or `images` in it.
    let images: FolderTree

    /// nil for a folder whose images lie in folders of other names.
    init?(_ folder: FolderTree) {
        let inner = folder.filledFolders
        if !folder.images.isEmpty {
            images = folder
        } else if inner.count == 1, inner[0].name == "images", !inner[0].images.isEmpty {
            images = inner[0]
        } else {
            return nil
        }
        name = folder.name
        path = folder.path
    }

    /// - Throws: `DatasetError.unsuitable` where there is none, or a folder that is none.
    static func all(in parent: FolderTree) throws(DatasetError) -> [ClassFolder] {
        let folders = parent.filledFolders
        try FolderProblem.refuseRepeated(folders)
        guard !folders.isEmpty, folders.map(\.name) != ["images"] else { throw FolderProblem.noClasses(parent) }
        var classes: [ClassFolder] = []
        for folder in folders {
            guard let found = ClassFolder(folder) else { throw FolderProblem.tooDeep(folder) }
            classes.append(found)
        }
        return classes
    }
}
