/// What an encoder expects of an image: its size, and the mean and deviation of its values.
///
/// The shorter side is resized to `shorterSide`, the middle `size` x `size` is cut out, values are divided by 255, and
/// each channel is normalised: torchvision's Resize (bicubic), CenterCrop, ToTensor, Normalize of a Pillow image, which
/// is rounded to bytes after the resizing of the lines and again after that of the columns.
public struct ImageTransform: Hashable, Sendable {
    /// The result's height and width in pixels.
    public var size: Int
    /// What the shorter side is resized to, at least `size`.
    public var shorterSide: Int
    /// Of red, green and blue, in values from 0 to 1.
    public var mean: [Float]
    /// Of red, green and blue, in values from 0 to 1.
    public var standardDeviation: [Float]

    /// - Throws: `DatasetError.unsuitable` when a size is below 1 or does not fit, when there are not three means and
    ///   deviations, or when one is not usable.
    public init(
        size: Int, shorterSide: Int? = nil, mean: [Float] = [0.5, 0.5, 0.5],
        standardDeviation: [Float] = [0.5, 0.5, 0.5]
    ) throws(DatasetError) {
        let shorterSide = shorterSide ?? size
        guard (1...8192).contains(size), (size...8192).contains(shorterSide) else {
            throw .unsuitable(
                "image transform: expected a size from 1 to the shorter side, and that up to 8192, "
                    + "found \(size) and \(shorterSide)")
        }
        guard mean.count == 3, mean.allSatisfy(\.isFinite) else {
            throw .unsuitable("image transform: expected three finite means, found \(mean)")
        }
        guard standardDeviation.count == 3, standardDeviation.allSatisfy({ $0.isFinite && $0 > 0 }) else {
            throw .unsuitable("image transform: expected three deviations above 0, found \(standardDeviation)")
        }
        self.size = size
        self.shorterSide = shorterSide
        self.mean = mean
        self.standardDeviation = standardDeviation
    }
}

/// A transform made ready for images of one size.
struct PreparedTransform: Sendable {
    let size: Int
    private let height: Int
    private let width: Int
    private let channels: Int
    private let rows: BicubicWeights
    private let columns: BicubicWeights
    /// By channel: value · factor + offset.
    private let factors: [Float]
    private let offsets: [Float]

    /// - Parameters:
    ///   - height: of the images, at least 1, in pixels; likewise the width.
    ///   - channels: 1 for gray, which becomes three equal channels, or 3.
    init(_ transform: ImageTransform, height: Int, width: Int, channels: Int) throws(DatasetError) {
        guard channels == 1 || channels == 3 else {
            throw .unsuitable("image transform: expected images of 1 or 3 channels, found \(channels)")
        }
        size = transform.size
        self.height = height
        self.width = width
        self.channels = channels
        let shorter = transform.shorterSide
        let resizedHeight = height <= width ? shorter : shorter * height / width
        let resizedWidth = width <= height ? shorter : shorter * width / height
        rows = BicubicWeights(
            length: height, resized: resizedHeight, crop: Self.middle(transform.size, of: resizedHeight))
        columns = BicubicWeights(
            length: width, resized: resizedWidth, crop: Self.middle(transform.size, of: resizedWidth))
        factors = transform.standardDeviation.map { 1 / (255 * $0) }
        offsets = zip(transform.mean, transform.standardDeviation).map { -$0 / $1 }
    }

    /// Half a pixel goes to the even side, as in torchvision.
    private static func middle(_ size: Int, of length: Int) -> Range<Int> {
        let start = Int((Double(length - size) / 2).rounded(.toNearestOrEven))
        return start..<start + size
    }

    /// Writes the image as [3, size, size].
    ///
    /// - Parameters:
    ///   - pixels: [channels, height, width].
    ///   - result: 3 · size · size values.
    func apply(_ pixels: UnsafeBufferPointer<UInt8>, into result: UnsafeMutableBufferPointer<Float>) {
        let plane = size * size
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: rows.used.count * size) { lines in
            for channel in 0..<channels {
                resizeLines(
                    UnsafeBufferPointer(rebasing: pixels[channel * height * width..<(channel + 1) * height * width]),
                    into: lines)
                resizeColumns(
                    UnsafeBufferPointer(lines),
                    into: UnsafeMutableBufferPointer(rebasing: result[channel * plane..<(channel + 1) * plane]))
            }
        }
        normalise(result)
    }

    /// Resizes each line that counts: [used rows, size].
    private func resizeLines(_ pixels: UnsafeBufferPointer<UInt8>, into lines: UnsafeMutableBufferPointer<UInt8>) {
        let taps = columns.taps
        columns.starts.withUnsafeBufferPointer { starts in
            columns.weights.withUnsafeBufferPointer { weights in
                for row in rows.used {
                    let line = pixels.baseAddress! + row * width
                    let target = lines.baseAddress! + (row - rows.used.lowerBound) * size
                    for column in 0..<size {
                        let source = line + starts[column]
                        let weight = weights.baseAddress! + column * taps
                        var sum = BicubicWeights.start
                        for tap in 0..<taps { sum &+= weight[tap] &* Int32(source[tap]) }
                        target[column] = BicubicWeights.byte(sum)
                    }
                }
            }
        }
    }

    /// Resizes the columns of the resized lines: [size, size], whole numbers from 0 to 255.
    private func resizeColumns(_ lines: UnsafeBufferPointer<UInt8>, into plane: UnsafeMutableBufferPointer<Float>) {
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: size) { sums in
            for row in 0..<size {
                sums.update(repeating: BicubicWeights.start)
                let first = rows.starts[row] - rows.used.lowerBound
                for tap in 0..<rows.taps {
                    let weight = rows.weights[row * rows.taps + tap]
                    let source = lines.baseAddress! + (first + tap) * size
                    for column in 0..<size { sums[column] &+= weight &* Int32(source[column]) }
                }
                let target = plane.baseAddress! + row * size
                for column in 0..<size { target[column] = Float(BicubicWeights.byte(sums[column])) }
            }
        }
    }

    /// Last channel first, because a gray image's only plane is the first.
    private func normalise(_ result: UnsafeMutableBufferPointer<Float>) {
        let plane = size * size
        for channel in (0..<3).reversed() {
            let source = result.baseAddress! + (channels == 1 ? 0 : channel * plane)
            let target = result.baseAddress! + channel * plane
            let (factor, offset) = (factors[channel], offsets[channel])
            for index in 0..<plane { target[index] = source[index] * factor + offset }
        }
    }
}
