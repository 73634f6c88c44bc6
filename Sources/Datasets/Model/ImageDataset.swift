/// Images with their classes, read or decoded when they are asked for; or texts in the place of images.
public struct ImageDataset: Sendable {
    /// Where some of the images come from: one of the data sets, or of the domains, that it is put together from.
    public struct Source: Hashable, Sendable {
        public var name: String
        /// The classes that its images may have.
        public var classes: Range<Int>
        public var images: Range<Int>
    }

    public let name: String
    /// The name of each class.
    public let classNames: [String]
    /// The class of each image, from 0.
    public let labels: [Int]
    /// Consecutive; one where the data set is not put together from several.
    public let sources: [Source]
    /// What its folder or manifest holds besides, and why it is not among the images.
    public let omitted: [Omission]
    private let parts: [any ImagePart]
    /// The first image of each part.
    private let starts: [Int]

    public var count: Int { labels.count }
    public var classCount: Int { classNames.count }

    /// - Parameter sources: one with all images unless given.
    /// - Precondition: the parts hold as many images as there are labels.
    init(
        name: String, classNames: [String], labels: [Int], parts: [any ImagePart], sources: [Source]? = nil,
        omitted: [Omission] = []
    ) {
        self.omitted = omitted
        self.name = name
        self.classNames = classNames
        self.labels = labels
        self.parts = parts
        self.sources =
            sources ?? [Source(name: name, classes: 0..<classNames.count, images: 0..<labels.count)]
        var start = 0
        starts = parts.map { part in
            defer { start += part.count }
            return start
        }
    }

    /// Calls `body` with the pixels of an image, [channels, height, width], valid until it returns.
    /// - Throws: `DatasetError`, also for a file that cannot be decoded.
    public func withPixels<R>(
        of index: Int, _ body: (UnsafeBufferPointer<UInt8>, ImageShape) -> R
    ) throws(DatasetError) -> R {
        let (part, place) = try find(index)
        return try part.withPixels(of: place, body)
    }

    /// The pixels of an image, [channels, height, width].
    public func pixels(of index: Int) throws(DatasetError) -> [UInt8] {
        try withPixels(of: index) { pixels, _ in Array(pixels) }
    }

    /// - Throws: `DatasetError`, also for a file whose header cannot be read.
    public func shape(of index: Int) throws(DatasetError) -> ImageShape {
        let (part, place) = try find(index)
        return try part.shape(of: place)
    }

    /// The place of an image for a person: its file, or its number where a file holds many.
    public func place(of index: Int) -> String {
        guard let (part, place) = try? find(index) else { return "image \(index)" }
        return part.place(of: place)
    }

    func find(_ index: Int) throws(DatasetError) -> (part: any ImagePart, place: Int) {
        guard labels.indices.contains(index) else {
            throw .unsuitable("\(name): expected an image from 0 to \(count - 1), found \(index)")
        }
        // A data set has few parts.
        let place = starts.lastIndex { $0 <= index }!
        return (parts[place], index - starts[place])
    }

    /// Several data sets, one after the other.
    ///
    /// - Parameter sharingClasses: whether all have the same classes; otherwise those of each come after those of the one
    ///   before, named `data set: class`.
    /// - Throws: `DatasetError.unsuitable` for no data set, or for classes that differ where they are shared.
    public static func union(
        name: String, of datasets: [ImageDataset], sharingClasses: Bool = false
    ) throws(DatasetError) -> ImageDataset {
        guard let first = datasets.first else {
            throw .unsuitable("\(name): expected one or more data sets, found none")
        }
        var classNames = sharingClasses ? first.classNames : []
        var labels: [Int] = []
        var sources: [Source] = []
        var omitted = OmissionCounter()
        for dataset in datasets {
            omitted.add(dataset.omitted)
            if sharingClasses, dataset.classNames != first.classNames {
                throw .unsuitable("\(name): expected the classes of \(first.name) also in \(dataset.name)")
            }
            let offset = sharingClasses ? 0 : classNames.count
            if !sharingClasses { classNames += dataset.classNames.map { "\(dataset.name): \($0)" } }
            sources.append(
                Source(
                    name: dataset.name, classes: offset..<offset + dataset.classCount,
                    images: labels.count..<labels.count + dataset.count))
            labels += dataset.labels.map { offset + $0 }
        }
        return ImageDataset(
            name: name, classNames: classNames, labels: labels, parts: datasets.flatMap(\.parts), sources: sources,
            omitted: omitted.omissions)
    }

    /// The same images with other numbers of their classes, which all sources share from then on.
    /// - Parameter places: each class's new number.
    func relabelled(_ places: [Int], classNames: [String]) -> ImageDataset {
        ImageDataset(
            name: name, classNames: classNames, labels: labels.map { places[$0] }, parts: parts,
            sources: sources.map { Source(name: $0.name, classes: 0..<classNames.count, images: $0.images) },
            omitted: omitted)
    }
}

/// The extents of an image.
public struct ImageShape: Hashable, Sendable, CustomStringConvertible {
    /// 1 for gray, 3 for red, green and blue.
    public var channels: Int
    /// In pixels.
    public var height: Int
    public var width: Int

    public init(channels: Int, height: Int, width: Int) {
        self.channels = channels
        self.height = height
        self.width = width
    }

    /// The number of bytes of such an image.
    public var byteCount: Int { channels * height * width }

    public var description: String { "\(channels) x \(height) x \(width)" }
}
