import PromptAggregation

/// Image files with their classes, as a folder or a manifest names them, before any of them is opened.
public struct ImageFiles: Sendable {
    struct File: Sendable {
        var path: String
        /// Where the file is named, such as a line of a manifest.
        var mention: String?
        /// From 0.
        var label: Int
        /// nil where nothing says it.
        var split: KnownDataset.Split?
        /// The place of its domain, 0 without domains.
        var domain = 0
    }

    public let name: String
    /// The folder or the manifest.
    public let path: String
    /// Ascending, those that occur here.
    public let classNames: [String]
    /// What belongs to no class, and is not read.
    public let omitted: [Omission]
    private let domains: [String]
    private let files: [File]

    init(
        name: String, path: String, classNames: [String], domains: [String] = [], files: [File], omitted: [Omission]
    ) {
        self.name = name
        self.path = path
        self.classNames = classNames
        self.domains = domains
        self.files = files
        self.omitted = omitted
    }

    /// The number of images.
    public var count: Int { files.count }

    /// Whether images are marked for training and for the test; otherwise a fifth of each class is drawn for the test.
    public var statesSplits: Bool { files.contains { $0.split != nil } }

    /// The files of a split, with the names of their classes.
    /// - Parameter split: nil for all.
    public func labelledPaths(_ split: KnownDataset.Split? = nil) -> [(path: String, label: String)] {
        files(of: split).map { ($0.path, classNames[$0.label]) }
    }

    func marks(_ split: KnownDataset.Split) -> Bool { files.contains { $0.split == split } }

    /// Without marks, one in so many images of each class is for the test.
    private static let testShare = 5

    /// The images of a split, domain after domain.
    ///
    /// - Parameters:
    ///   - split: nil takes all.
    ///   - unreadable: what becomes of images that cannot be read; every image is read for that. Without it none is, and
    ///     errors come when images are asked for.
    /// - Throws: `DatasetError.unreadableImages`, or `DatasetError.unsuitable` where the split has no image.
    public func dataset(
        _ split: KnownDataset.Split? = nil, unreadable: UnreadableImages? = nil
    ) throws(DatasetError) -> ImageDataset {
        let chosen = with(files(of: split), omitted)
        guard !chosen.files.isEmpty else {
            let few =
                split == .test && !statesSplits ? "; without marks it is one in \(Self.testShare) of each class" : ""
            throw .unsuitable("\(path): expected images\(split.map { " of the split \($0)" } ?? ""), found none\(few)")
        }
        return try chosen.checked(unreadable).dataset
    }

    /// Reads every image, and refuses or leaves out those that cannot be read; nil reads none.
    /// - Throws: `DatasetError.unreadableImages`, also where no image would be left.
    func checked(_ unreadable: UnreadableImages?) throws(DatasetError) -> ImageFiles {
        guard let unreadable else { return self }
        let dataset = dataset
        let failures = dataset.unreadableImages()
        if failures.isEmpty { return self }
        guard unreadable == .skip, failures.count < count else { throw dataset.refusal(for: failures) }
        var counter = OmissionCounter()
        counter.add(omitted)
        for failure in failures { counter.add(.unreadable, failure.description) }
        let indices = Set(failures.map(\.index))
        return with(files.indices.filter { !indices.contains($0) }.map { files[$0] }, counter.omissions)
    }

    private func with(_ files: [File], _ omitted: [Omission]) -> ImageFiles {
        ImageFiles(
            name: name, path: path, classNames: classNames, domains: domains, files: files, omitted: omitted)
    }

    private var dataset: ImageDataset {
        var sources: [ImageDataset.Source] = []
        for (place, domain) in domains.enumerated() {
            let start = sources.last?.images.upperBound ?? 0
            let count = files.count { $0.domain == place }
            sources.append(
                ImageDataset.Source(name: domain, classes: 0..<classNames.count, images: start..<start + count))
        }
        return ImageDataset(
            name: name, classNames: classNames, labels: files.map(\.label),
            parts: [FileImages(files: files.map { FileImages.File(path: $0.path, mention: $0.mention) })],
            sources: sources.isEmpty ? nil : sources, omitted: omitted)
    }

    private func files(of split: KnownDataset.Split?) -> [File] {
        guard let split else { return files }
        guard !statesSplits else { return files.filter { $0.split == split } }
        let isTest = drawnForTest()
        return files.indices.filter { isTest[$0] == (split == .test) }.map { files[$0] }
    }

    /// Drawn domain by domain and class by class, always the same.
    private func drawnForTest() -> [Bool] {
        let classes = classNames.count
        var groups = [[Int]](repeating: [], count: max(1, domains.count) * classes)
        for (place, file) in files.enumerated() { groups[file.domain * classes + file.label].append(place) }
        var isTest = [Bool](repeating: false, count: files.count)
        for domain in 0..<max(1, domains.count) {
            var random = SeededRandom(seed: 0, stream: 0x7465_7374)
            for places in groups[domain * classes..<(domain + 1) * classes] {
                for place in places.shuffled(using: &random).prefix(places.count / Self.testShare) {
                    isTest[place] = true
                }
            }
        }
        return isTest
    }
}
