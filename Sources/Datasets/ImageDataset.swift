import Foundation

/// Images of one size with their classes, as raw bytes.
public struct ImageDataset: Sendable {
    public let name: String
    /// The name of each class.
    public let classNames: [String]
    /// The class of each image, from 0.
    public let labels: [Int]
    public let height: Int
    public let width: Int
    /// 1 for gray, 3 for red, green and blue.
    public let channels: Int
    private let runs: [PixelRun]

    public var count: Int { labels.count }
    public var classCount: Int { classNames.count }
    /// The number of bytes of an image.
    public var pixelCount: Int { channels * height * width }

    /// Images that lie at equal distances in one file.
    struct PixelRun: Sendable {
        var bytes: Data
        /// Where the first image's pixels begin.
        var start: Int
        /// From one image to the next.
        var stride: Int
        var count: Int
    }

    /// - Precondition: the runs hold as many images as there are labels, each within its bytes.
    init(
        name: String, classNames: [String], labels: [Int], height: Int, width: Int, channels: Int, runs: [PixelRun]
    ) {
        self.name = name
        self.classNames = classNames
        self.labels = labels
        self.height = height
        self.width = width
        self.channels = channels
        self.runs = runs
    }

    /// Calls `body` with the pixels of an image, [channels, height, width], valid until it returns.
    public func withPixels<R>(of index: Int, _ body: (UnsafeBufferPointer<UInt8>) -> R) throws(DatasetError) -> R {
        var position = index
        for run in runs where position >= 0 {
            if position < run.count {
                return run.bytes.withUnsafeBytes { bytes in
                    let start = run.start + position * run.stride
                    return body(
                        UnsafeBufferPointer(rebasing: bytes.bindMemory(to: UInt8.self)[start..<start + pixelCount]))
                }
            }
            position -= run.count
        }
        throw .unsuitable("\(name): expected an image from 0 to \(count - 1), found \(index)")
    }

    /// The pixels of an image, [channels, height, width].
    public func pixels(of index: Int) throws(DatasetError) -> [UInt8] {
        try withPixels(of: index) { Array($0) }
    }
}
