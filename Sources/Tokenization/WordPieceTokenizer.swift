/// Turns a text into token numbers as BERT's models read them (Devlin et al. 2019; Wu et al. 2016, section 4.1).
///
/// Special tokens in the text are taken as they are; what is between them is normalised, cut at blanks and around
/// punctuation, and each word is cut into the longest pieces of the vocabulary, from the left. The class token comes
/// first and the separator last.
public struct WordPieceTokenizer: Sendable {
    public let vocabulary: WordPieceVocabulary
    public let normalizer: BertNormalizer
    /// Words with more characters become the unknown token.
    public let longestWord: Int
    private let special: SpecialTokens

    init(
        vocabulary: WordPieceVocabulary, normalizer: BertNormalizer, longestWord: Int, special: SpecialTokens
    ) {
        self.vocabulary = vocabulary
        self.normalizer = normalizer
        self.longestWord = longestWord
        self.special = special
    }

    /// The tokens of a text.
    ///
    /// - Parameter maximumLength: tokens that are kept, at least 2: class token and separator count; the text's end is
    ///   cut off.
    public func encode(_ text: String, maximumLength: Int) -> [Int32] {
        var tokens = [special.first]
        let limit = maximumLength - 1
        for part in special.parts(of: Array(text.unicodeScalars)) {
            guard tokens.count < limit else { break }
            switch part {
            case .special(let token): tokens.append(token)
            case .plain(let scalars): append(scalars, to: &tokens, limit: limit)
            }
        }
        return tokens.prefix(limit) + [special.last]
    }

    private func append(_ scalars: ArraySlice<Unicode.Scalar>, to tokens: inout [Int32], limit: Int) {
        var word: [Unicode.Scalar] = []
        func end(_ tokens: inout [Int32]) {
            if !word.isEmpty { tokens += vocabulary.pieces(of: word, longestWord: longestWord) }
            word.removeAll(keepingCapacity: true)
        }
        for scalar in normalizer.normalized(scalars) {
            guard tokens.count < limit else { return }
            if CharacterKinds.isBlank(scalar) {
                end(&tokens)
            } else if CharacterKinds.isPunctuation(scalar) {
                end(&tokens)
                tokens += vocabulary.pieces(of: [scalar], longestWord: longestWord)
            } else {
                word.append(scalar)
            }
        }
        end(&tokens)
    }
}

/// The pieces of words with their numbers.
public struct WordPieceVocabulary: Sendable {
    private let numbers: [[UInt8]: Int32]
    /// What stands before a piece that begins within a word.
    private let continuation: [UInt8]
    private let unknown: Int32
    /// Bytes of the longest piece.
    private let longest: Int
    /// One more than the largest number.
    public let count: Int

    init(_ pieces: PieceNumbers, continuation: String, unknown: Int32) {
        numbers = pieces.numbers
        self.continuation = Array(continuation.utf8)
        self.unknown = unknown
        longest = numbers.keys.map(\.count).max() ?? 0
        count = Int(numbers.values.max() ?? -1) + 1
    }

    /// The longest pieces from the left, or the unknown token where a part of the word is none.
    func pieces(of word: [Unicode.Scalar], longestWord: Int) -> [Int32] {
        guard word.count <= longestWord else { return [unknown] }
        var bytes: [UInt8] = []
        // Where each scalar ends.
        var ends = [0]
        for scalar in word {
            bytes += UTF8.encode(scalar)!
            ends.append(bytes.count)
        }
        var found: [Int32] = []
        var first = 0
        while first < word.count {
            let prefix = first == 0 ? [] : continuation
            let end = (first + 1...word.count).last { last in
                guard prefix.count + ends[last] - ends[first] <= longest,
                    let number = numbers[prefix + bytes[ends[first]..<ends[last]]]
                else { return false }
                found.append(number)
                return true
            }
            guard let end else { return [unknown] }
            first = end
        }
        return found
    }
}
