/// The kinds of characters that BERT's tokenization tells apart.
///
/// Models were trained behind tables of old: Hugging Face's tokenizers take general categories from Unicode 8, and
/// decompositions from Unicode 9. What came into Unicode later, or was put into another category, counts here as it
/// counted then.
enum CharacterKinds {
    /// As of Unicode 8; unassigned for what came later.
    private static func category(of scalar: Unicode.Scalar) -> Unicode.GeneralCategory {
        switch scalar.value {
        case 0x166d, 0x111c9: return .otherPunctuation
        case 0x1734, 0x1171e: return .nonspacingMark
        case 0x1885, 0x1886: return .otherLetter
        case 0xa9bd: return .spacingMark
        default: return isKnown(scalar, to: 8) ? scalar.properties.generalCategory : .unassigned
        }
    }

    /// Whether a version of Unicode has the character.
    private static func isKnown(_ scalar: Unicode.Scalar, to version: Int) -> Bool {
        guard let age = scalar.properties.age else { return false }
        return (age.major, age.minor) <= (version, 0)
    }

    /// How marks behind a letter are ordered (Unicode's canonical combining class), as of Unicode 9; 0 for what is no
    /// mark.
    static func combiningClass(of scalar: Unicode.Scalar) -> UInt8 {
        scalar.value >= 0x300 && isKnown(scalar, to: 9) ? scalar.properties.canonicalCombiningClass.rawValue : 0
    }

    /// Whether a character may consist of others, as of Unicode 9.
    static func mayDecompose(_ scalar: Unicode.Scalar) -> Bool { scalar.value >= 0xc0 && isKnown(scalar, to: 9) }

    /// NUL, the replacement character and control characters, which are no part of a clean text.
    static func isRemoved(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0a, 0x0d, 0x20...0x7e: return false
        case 0, 0xfffd: return true
        default: break
        }
        switch category(of: scalar) {
        case .control, .format, .privateUse: return true
        default: return false
        }
    }

    static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20, 0x09, 0x0a, 0x0d: true
        case 0x21...0x7e: false
        default: scalar.properties.isWhitespace
        }
    }

    /// Ideographs, as BERT's authors list them; they form words of one character.
    static func isChinese(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x4e00...0x9fff, 0x3400...0x4dbf, 0x20000...0x2a6df, 0x2a700...0x2b73f, 0x2b740...0x2b81f,
            0x2b920...0x2ceaf, 0xf900...0xfaff, 0x2f800...0x2fa1f:
            true
        default: false
        }
    }

    static func isNonspacingMark(_ scalar: Unicode.Scalar) -> Bool {
        !scalar.isASCII && category(of: scalar) == .nonspacingMark
    }

    /// All signs of ASCII that are neither letters nor digits, and what Unicode counts as punctuation.
    static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x21...0x2f, 0x3a...0x40, 0x5b...0x60, 0x7b...0x7e: return true
        case 0..<0x80: return false
        default: break
        }
        switch category(of: scalar) {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
            .finalPunctuation, .otherPunctuation:
            return true
        default: return false
        }
    }
}
