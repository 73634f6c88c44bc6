import Foundation

/// How a text is made uniform before it is cut into words: the `BertNormalizer` of Hugging Face's tokenizers.
public struct BertNormalizer: Hashable, Sendable {
    /// Removes control characters, and makes a space of every blank.
    public var cleansText: Bool
    /// Puts spaces around Chinese characters.
    public var separatesChinese: Bool
    public var stripsAccents: Bool
    public var lowercases: Bool

    public init(
        cleansText: Bool = true, separatesChinese: Bool = true, stripsAccents: Bool = true, lowercases: Bool = true
    ) {
        self.cleansText = cleansText
        self.separatesChinese = separatesChinese
        self.stripsAccents = stripsAccents
        self.lowercases = lowercases
    }

    /// The text in its uniform form, as scalars.
    public func normalized(_ text: some Sequence<Unicode.Scalar>) -> [Unicode.Scalar] {
        var scalars: [Unicode.Scalar] = []
        for scalar in text {
            if cleansText {
                if CharacterKinds.isRemoved(scalar) { continue }
                if CharacterKinds.isBlank(scalar) {
                    scalars.append(" ")
                    continue
                }
            }
            if separatesChinese, CharacterKinds.isChinese(scalar) {
                scalars += [" ", scalar, " "]
            } else {
                scalars.append(scalar)
            }
        }
        if stripsAccents { scalars = Self.withoutAccents(scalars) }
        if lowercases { scalars = Self.lowercased(scalars) }
        return scalars
    }

    /// Canonical decomposition without nonspacing marks.
    private static func withoutAccents(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        guard scalars.contains(where: { !$0.isASCII }) else { return scalars }
        return decomposed(scalars).filter { !CharacterKinds.isNonspacingMark($0) }
    }

    /// Each character as what it consists of, and the marks behind each letter in the order of their classes.
    private static func decomposed(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        var marks: [(order: UInt8, scalar: Unicode.Scalar)] = []
        func flush() {
            // Stable: the order among equals stays.
            marks.sort { $0.order < $1.order }
            result += marks.map(\.scalar)
            marks.removeAll(keepingCapacity: true)
        }
        func add(_ scalar: Unicode.Scalar) {
            let order = CharacterKinds.combiningClass(of: scalar)
            if order > 0 { return marks.append((order, scalar)) }
            if !marks.isEmpty { flush() }
            result.append(scalar)
        }
        for scalar in scalars {
            if CharacterKinds.mayDecompose(scalar) {
                String(scalar).decomposedStringWithCanonicalMapping.unicodeScalars.forEach(add)
            } else {
                add(scalar)
            }
        }
        flush()
        return result
    }

    /// Each scalar by itself: a final sigma is like any other.
    private static func lowercased(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(scalars.count)
        for scalar in scalars {
            if scalar.isASCII {
                let isCapital = ("A"..."Z").contains(scalar)
                result.append(isCapital ? Unicode.Scalar(UInt8(scalar.value) + 32) : scalar)
            } else {
                result += scalar.properties.lowercaseMapping.unicodeScalars
            }
        }
        return result
    }
}
