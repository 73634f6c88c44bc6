/// A reproducible stream of random numbers: xoshiro256++ (Blackman and Vigna 2019), seeded through SplitMix64.
///
/// The only source of randomness of the pure targets. Its whole state is its value: a copy continues the same stream.
public struct SeededRandom: RandomNumberGenerator, Hashable, Sendable {
    private var s0, s1, s2, s3: UInt64

    /// - Parameters:
    ///   - seed: the run's seed.
    ///   - stream: distinguishes independent streams of one seed.
    public init(seed: UInt64, stream: UInt64 = 0) {
        var state = seed ^ (stream &* 0xD134_2543_DE82_EF95)
        func splitMix() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
        s0 = splitMix()
        s1 = splitMix()
        s2 = splitMix()
        s3 = splitMix()
    }

    package init(from reader: inout SnapshotReader) throws(SnapshotError) {
        (s0, s1, s2, s3) = (try reader.word(), try reader.word(), try reader.word(), try reader.word())
    }

    package func write(to writer: inout SnapshotWriter) {
        for word in [s0, s1, s2, s3] { writer.write(word) }
    }

    public mutating func next() -> UInt64 {
        func rotate(_ x: UInt64, _ k: UInt64) -> UInt64 { (x << k) | (x >> (64 - k)) }
        let result = rotate(s0 &+ s3, 23) &+ s0
        let t = s1 << 17
        s2 ^= s0
        s3 ^= s1
        s1 ^= s2
        s0 ^= s3
        s2 ^= t
        s3 = rotate(s3, 45)
        return result
    }

    /// Uniform in 0 ..< `bound`: the upper half of a random word times the bound, those drawn again that some numbers would
    /// have more of than others (Lemire 2019). Takes the place of the standard library's, which may change.
    ///
    /// - Precondition: `bound` is above 0.
    public mutating func next(upperBound bound: UInt64) -> UInt64 {
        precondition(bound > 0, "a number below 0 was asked for")
        while true {
            let product = next().multipliedFullWidth(by: bound)
            // 2⁶⁴ mod bound lower halves too many, which is less than the bound.
            if product.low >= bound || product.low >= (0 &- bound) % bound { return product.high }
        }
    }

    /// Uniform in [0, 1), 53 random bits.
    public mutating func nextUniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Standard normal, by Box and Muller's transform; each call draws two uniforms.
    public mutating func nextNormal() -> Double {
        let radius = (-2 * Elementary.log(1 - nextUniform())).squareRoot()
        return radius * Elementary.cosOfTurns(nextUniform())
    }
}

// In place of the standard library's, which may change from one version to the next.
extension Array {
    /// Brings the elements into a random order, each of all orders alike (Fisher and Yates).
    public mutating func shuffle(using random: inout SeededRandom) {
        for place in indices.dropLast() {
            swapAt(place, place + Int(random.next(upperBound: UInt64(count - place))))
        }
    }
}

extension Sequence {
    /// The elements in a random order, each of all orders alike.
    public func shuffled(using random: inout SeededRandom) -> [Element] {
        var elements = Array(self)
        elements.shuffle(using: &random)
        return elements
    }
}
