/// Examples to tune or evaluate on, with their labels; they are images (`ImageSource`) or texts (`TextSource`).
public protocol ExampleSource: Sendable {
    /// The number of examples.
    var count: Int { get }
    /// The class of each example, from 0.
    var labels: [Int] { get }
    /// The classes of each source that the examples are put together from; empty where they are of one.
    var classGroups: [Range<Int>] { get }
}

extension ExampleSource {
    public var classGroups: [Range<Int>] { [] }
}

/// Images for an encoder.
public protocol ImageSource: ExampleSource {
    /// Writes one image as [3, H, W] at the encoder's size, normalised with its mean and standard deviation. Called from
    /// several threads at once.
    ///
    /// - Parameter pixels: 3 · H · W values, all to be written.
    func copyImage(_ index: Int, into pixels: UnsafeMutableBufferPointer<Float>) throws
}

/// Texts for an encoder, as the tokens that its tokenizer makes of them.
public protocol TextSource: ExampleSource {
    /// The tokens of one text, the class token first and the separator last. Called from several threads at once.
    func tokens(of index: Int) -> [Int32]
}
