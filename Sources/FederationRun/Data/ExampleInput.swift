import Datasets
import PromptTuning
import Tokenization

/// How an encoder wants its examples.
enum ExampleInput {
    case images(ImageTransform)
    case texts(WordPieceTokenizer, maximumLength: Int)

    init(of encoder: FrozenEncoder) throws {
        if let tokenizer = encoder.tokenizer, let text = encoder.geometry.text {
            self = .texts(tokenizer, maximumLength: text.maximumLength)
        } else {
            self = .images(
                try ImageTransform(size: encoder.imageSize, mean: encoder.mean, standardDeviation: encoder.std))
        }
    }

    /// Some examples of a data set as the tuning wants them.
    /// - Throws: `DatasetError`, also for texts where the encoder reads images, or the other way round.
    func source(_ dataset: ImageDataset, _ indices: [Int]) throws -> any ExampleSource {
        switch self {
        case .images(let transform):
            try dataset.requireImages()
            return try SourcedImages(dataset, indices, transform)
        case .texts(let tokenizer, let maximumLength):
            return try SourcedTexts(dataset, indices, tokenizer, maximumLength: maximumLength)
        }
    }
}

extension ImageDataset {
    /// The classes of each source, empty where they are of one.
    fileprivate var classGroups: [Range<Int>] {
        let groups = sources.map(\.classes)
        return Set(groups).count > 1 ? groups : []
    }
}

/// Images of a data set as the tuning wants them.
private struct SourcedImages: ImageSource {
    private let images: PreparedImages
    let classGroups: [Range<Int>]

    init(_ dataset: ImageDataset, _ indices: [Int], _ transform: ImageTransform) throws {
        images = try PreparedImages(dataset, indices: indices, transform: transform)
        classGroups = dataset.classGroups
    }

    var count: Int { images.count }
    var labels: [Int] { images.labels }
    func copyImage(_ index: Int, into pixels: UnsafeMutableBufferPointer<Float>) throws {
        try images.copyImage(index, into: pixels)
    }
}

/// Texts of a data set as tokens.
private struct SourcedTexts: TextSource {
    private let texts: [[Int32]]
    let labels: [Int]
    let classGroups: [Range<Int>]

    init(
        _ dataset: ImageDataset, _ indices: [Int], _ tokenizer: WordPieceTokenizer, maximumLength: Int
    ) throws(DatasetError) {
        texts = try indices.map { index throws(DatasetError) in
            tokenizer.encode(try dataset.text(of: index), maximumLength: maximumLength)
        }
        labels = indices.map { dataset.labels[$0] }
        classGroups = dataset.classGroups
    }

    var count: Int { texts.count }
    func tokens(of index: Int) -> [Int32] { texts[index] }
}

extension RunData {
    /// Some of the examples of a source.
    /// - Parameter indices: of the source's examples.
    static func picked(_ indices: [Int], of source: any ExampleSource) throws -> any ExampleSource {
        switch source {
        case let texts as any TextSource: texts.picked(indices)
        case let images as any ImageSource: images.picked(indices)
        default: throw TuningError.modality(expected: "images or texts")
        }
    }
}

/// Some of a source's examples, in an order of their own.
private struct Picked<Source: ExampleSource>: ExampleSource {
    let source: Source
    let indices: [Int]
    let labels: [Int]

    init(_ indices: [Int], of source: Source) {
        self.source = source
        self.indices = indices
        let all = source.labels
        labels = indices.map { all[$0] }
    }

    var count: Int { indices.count }
    var classGroups: [Range<Int>] { source.classGroups }
}

extension Picked: ImageSource where Source: ImageSource {
    func copyImage(_ index: Int, into pixels: UnsafeMutableBufferPointer<Float>) throws {
        try source.copyImage(indices[index], into: pixels)
    }
}

extension Picked: TextSource where Source: TextSource {
    func tokens(of index: Int) -> [Int32] { source.tokens(of: indices[index]) }
}

extension TextSource {
    fileprivate func picked(_ indices: [Int]) -> any ExampleSource { Picked(indices, of: self) }
}

extension ImageSource {
    fileprivate func picked(_ indices: [Int]) -> any ExampleSource { Picked(indices, of: self) }
}
