/// Why the folders of a data set cannot be understood, with the readings that are possible.
enum FolderProblem {
    private static let manifest = "or name the class of each image in a manifest (a CSV file: path,label)"

    static func noClasses(_ folder: FolderTree) -> DatasetError {
        let loose = folder.imageCount
        return .unsuitable(
            "\(folder.path): expected folders of images by class, by split and class, or by domain and class, found "
                + (loose == 0 ? "none" : "\(loose) images without a folder of their class"))
    }

    static func tooDeep(_ folder: FolderTree) -> DatasetError {
        .unsuitable(
            "\(folder.path): expected images in the folder of a class, found folders: "
                + "\(listed(folder.filledFolders.map(\.name))). Move the images up, \(manifest).")
    }

    /// Links may lead to a folder that is read under another name, and one name may be written with composed letters and
    /// with decomposed ones, which are the same to readers.
    static func refuseRepeated(_ folders: [FolderTree]) throws(DatasetError) {
        var names: Set<String> = []
        for folder in folders {
            guard names.insert(folder.name).inserted else {
                throw .unsuitable(
                    "\(folder.path): expected one folder of this name, found two, with the same letters in other Unicode "
                        + "forms. Move the images of both into one.")
            }
            if let other = folder.isAlso {
                throw .unsuitable("\(folder.path): expected a folder of its own, found that of \(other) by a link")
            }
        }
    }

    static func splitOrClass(
        _ train: FolderTree, beside others: ArraySlice<FolderTree>, in root: FolderTree
    ) -> DatasetError {
        .unsuitable(
            "\(root.path): cannot tell splits from classes: '\(train.name)' holds folders "
                + "\(listed(train.filledFolders.map(\.name))), and beside it lies \(listed(others.map(\.name))). Either "
                + "'\(train.name)' is the training split, and only folders of other splits belong beside it, or it is a "
                + "class, and its images belong directly into it. Move what does not belong there, \(manifest).")
    }

    /// Without a folder `train` that holds classes, folders that are named like splits may be classes or not. A class may
    /// be called train beside other classes; nobody keeps a training split without classes beside classes.
    static func refuseSplitNames(_ root: FolderTree, _ folders: [FolderTree]) throws(DatasetError) {
        let named = folders.filter { KnownDataset.Split(name: $0.name) != nil }
        let tests = named.filter { KnownDataset.Split(name: $0.name) == .test }
        guard !named.isEmpty, named.count == folders.count || !tests.isEmpty else { return }
        let names = listed(named.map(\.name))
        if let test = named.first(where: { $0.images.isEmpty }) {
            throw .unsuitable(
                "\(root.path): cannot tell splits from classes: \(names) are named like splits, but there is no folder "
                    + "train with the classes of '\(test.name)'. Either they are splits, and train is missing, or they "
                    + "are classes, and their images belong directly into them. Add or rename folders, \(manifest).")
        }
        throw .unsuitable(
            "\(root.path): cannot tell splits from classes: \(names) are named like splits and hold images, but no "
                + "folders of classes. Either they are splits, and their images belong into folders of their classes, "
                + "or they are classes, and need other names. Move or rename them, \(manifest).")
    }

    static func mixed(_ root: FolderTree, _ folders: [FolderTree], _ containers: [FolderTree]) -> DatasetError {
        let classes = folders.filter { folder in !containers.contains { $0.path == folder.path } }
        let folder = containers[0]
        return .unsuitable(
            "\(root.path): cannot tell classes from domains: \(listed(classes.map(\.name))) hold images, but "
                + "'\(folder.name)' only folders of images, \(listed(folder.filledFolders.map(\.name))). Either "
                + "'\(folder.name)' is a class, and its images belong directly into it, or it is a domain, and all "
                + "folders beside it must hold the same classes. Move what does not belong there, \(manifest).")
    }

    static func classesOrDomains(_ root: FolderTree, _ folders: [FolderTree]) -> DatasetError {
        let first = folders[0]
        let held = listed(first.filledFolders.map(\.name))
        if folders.count == 1 {
            return .unsuitable(
                "\(root.path): cannot tell classes from domains: it holds one folder, '\(first.name)', with folders "
                    + "\(held). Either '\(first.name)' is the data set, and \(first.path) is the path to give, or it is "
                    + "the only class, and its images belong directly into it. Give another path, move the images, "
                    + "\(manifest).")
        }
        let other = folders.first { $0.filledFolders.map(\.name) != first.filledFolders.map(\.name) } ?? folders[1]
        return .unsuitable(
            "\(root.path): cannot tell classes from domains: '\(first.name)' holds folders \(held), but '\(other.name)' "
                + "\(listed(other.filledFolders.map(\.name))). Either they are domains, and need the same classes, or "
                + "they are classes, and their images belong directly into them. Move what does not belong there, "
                + "\(manifest).")
    }
}
