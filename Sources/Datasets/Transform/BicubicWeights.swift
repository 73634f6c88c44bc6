/// How each sample of a resized line is made from samples of the original one.
///
/// Keys' cubic kernel with a = −0.5 (Keys 1981), widened by the scale when the line shrinks (antialiasing), and cut and
/// normalised at the borders, in fixed point, so that the bytes of the result are Pillow's for `BICUBIC`.
struct BicubicWeights: Hashable, Sendable {
    /// For each sample of the result, the first original sample that counts.
    private(set) var starts: [Int] = []
    /// For each sample of the result, `taps` weights in units of 2^−22, together about 1; unused ones are 0.
    private(set) var weights: [Int32] = []
    /// Original samples that a result is made from, at most.
    let taps: Int
    /// The original samples that any result is made from.
    private(set) var used: Range<Int> = 0..<0

    /// - Parameters:
    ///   - length: samples of the original line, at least 1.
    ///   - resized: samples that the whole line is resized to, at least 1.
    ///   - crop: the samples of the resized line that are wanted.
    init(length: Int, resized: Int, crop: Range<Int>) {
        let scale = Double(length) / Double(resized)
        let widening = max(1, scale)
        let support = 2 * widening
        taps = min(length, Int(support.rounded(.up)) * 2 + 1)
        var end = 0
        for place in crop {
            let center = (Double(place) + 0.5) * scale
            let first = max(0, Int(center - support + 0.5))
            let last = min(length, Int(center + support + 0.5))
            let raw = (first..<last).map { Self.kernel((Double($0) - center + 0.5) * (1 / widening)) }
            let sum = raw.reduce(0, +)
            // Every result reads `taps` samples, so a window at the end is moved back and filled with zeros in front.
            let start = min(first, length - taps)
            var row = [Int32](repeating: 0, count: taps)
            for (index, weight) in raw.enumerated() {
                row[first - start + index] = Int32((weight / sum * Double(1 << Self.fraction)).rounded())
            }
            starts.append(start)
            weights += row
            end = max(end, start + taps)
        }
        used = (starts.min() ?? 0)..<end
    }

    /// Bits behind the point: beside these, a byte and a sum of weights above 1 fit into 32.
    private static let fraction = 22

    /// The sum of weighted bytes that stands for nothing yet: one half, so that `byte` rounds.
    static let start: Int32 = 1 << (fraction - 1)

    /// The byte next to a sum of weighted bytes; the kernel's negative parts can take a sum below 0 and above 255.
    static func byte(_ sum: Int32) -> UInt8 { UInt8(clamping: sum >> fraction) }

    private static func kernel(_ distance: Double) -> Double {
        let a = -0.5
        let x = abs(distance)
        if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
        return 0
    }
}
