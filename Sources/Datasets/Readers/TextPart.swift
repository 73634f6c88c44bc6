/// Texts of a data set, in memory.
struct TextPart: ImagePart {
    let file: String
    let texts: [String]
    /// Where each of them begins, from 1.
    let lines: [Int]

    var count: Int { texts.count }
    func place(of index: Int) -> String { "\(file):\(lines[index])" }
    func text(of index: Int) -> String? { texts[index] }

    func shape(of index: Int) throws(DatasetError) -> ImageShape { throw noImage(index) }

    func withPixels<R>(
        of index: Int, _ body: (UnsafeBufferPointer<UInt8>, ImageShape) -> R
    ) throws(DatasetError) -> R {
        throw noImage(index)
    }

    private func noImage(_ index: Int) -> DatasetError {
        .unsuitable("\(place(of: index)): expected an image, found a text: set encoder.path to an encoder of texts")
    }
}

extension ImageDataset {
    /// Whether texts stand in the place of images.
    public var holdsTexts: Bool { count > 0 && (try? text(of: 0)) != nil }

    /// - Throws: `DatasetError.unsuitable` for texts.
    public func requireImages() throws(DatasetError) {
        if holdsTexts { _ = try shape(of: 0) }
    }

    /// - Throws: `DatasetError.unsuitable` for an image.
    public func text(of index: Int) throws(DatasetError) -> String {
        let (part, place) = try find(index)
        guard let text = part.text(of: place) else {
            throw .unsuitable(
                "\(part.place(of: place)): expected a text, found an image: leave encoder.path empty, or set it to an encoder"
                    + " of images")
        }
        return text
    }
}
