/// Images for an encoder, with their labels.
public protocol ImageSource: Sendable {
    /// The number of images.
    var count: Int { get }
    /// The class of each image, from 0.
    var labels: [Int] { get }
    /// The classes of each source that the images are put together from; empty where they are of one.
    var classGroups: [Range<Int>] { get }
    /// Writes one image as [3, H, W] at the encoder's size, normalised with its mean and standard deviation. Called from
    /// several threads at once.
    ///
    /// - Parameter pixels: 3 · H · W values, all to be written.
    func copyImage(_ index: Int, into pixels: UnsafeMutableBufferPointer<Float>) throws
}

extension ImageSource {
    public var classGroups: [Range<Int>] { [] }
}
