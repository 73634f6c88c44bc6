import Files
import Foundation

extension WordPieceTokenizer {
    /// Reads the tokenizer in a folder: `tokenizer.json`, or else `vocab.txt` with `tokenizer_config.json` if there is one.
    /// - Throws: `TokenizerError`.
    public init(folder: String) throws(TokenizerError) {
        guard let file = Self.files(in: folder).first else { throw .missing(folder: folder) }
        if file.hasSuffix(".json") {
            try self.init(json: file)
        } else {
            try self.init(vocabulary: file, settings: folder + "/tokenizer_config.json")
        }
    }

    /// The files that say how the tokenizer in a folder works; the first is the one with the vocabulary.
    public static func files(in folder: String) -> [String] {
        let json = folder + "/tokenizer.json"
        if FileManager.default.fileExists(atPath: json) { return [json] }
        return ["vocab.txt", "tokenizer_config.json"].map { folder + "/" + $0 }
            .prefix { FileManager.default.fileExists(atPath: $0) }
    }

    /// Reads `vocab.txt`, a piece on each line, numbered from 0.
    ///
    /// - Parameter settings: `tokenizer_config.json`; where it is missing, the text is lower-cased.
    private init(vocabulary path: String, settings: String) throws(TokenizerError) {
        let data = try contents(path)
        guard String(validating: data, as: UTF8.self) != nil else {
            throw .unreadable(file: path, reason: "expected text in UTF-8, a piece on each line")
        }
        let pieces = PieceNumbers(lines: data)
        let said =
            FileManager.default.fileExists(atPath: settings)
            ? try TokenizerFile.decode(TokenizerFile.Settings.self, settings, contents(settings))
            : TokenizerFile.Settings()
        let lowercases = said.lowercases ?? true
        func number(_ piece: String) throws(TokenizerError) -> Int32 {
            guard let number = pieces[piece] else {
                throw .unsupported(file: path, field: "vocabulary", expected: "the piece \(piece)", found: "none")
            }
            return number
        }
        let names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        self.init(
            vocabulary: WordPieceVocabulary(pieces, continuation: "##", unknown: try number("[UNK]")),
            normalizer: BertNormalizer(
                separatesChinese: said.separatesChinese ?? true, stripsAccents: said.stripsAccents ?? lowercases,
                lowercases: lowercases),
            longestWord: 100,
            special: SpecialTokens(
                first: try number("[CLS]"), last: try number("[SEP]"),
                written: names.compactMap { name in
                    pieces[name].map { .init(content: Array(name.unicodeScalars), number: $0) }
                }))
    }

    /// Reads `tokenizer.json` of Hugging Face's tokenizers.
    private init(json path: String) throws(TokenizerError) {
        let data = try contents(path)
        let file = try TokenizerFile.decode(TokenizerFile.self, path, data)
        let pieces: PieceNumbers
        do { pieces = try PieceNumbers(json: data) } catch {
            throw .unreadable(file: path, reason: "model.vocab: expected pieces as keys: \(error)")
        }
        func expect(_ field: String, _ expected: String, _ found: String?) throws(TokenizerError) {
            guard found == expected else {
                throw .unsupported(file: path, field: field, expected: expected, found: found ?? "none")
            }
        }
        try expect("model.type", "WordPiece", file.model.type)
        try expect("normalizer.type", "BertNormalizer", file.normalizer?.type)
        try expect("pre_tokenizer.type", "BertPreTokenizer", file.preTokenizer?.type)
        guard let unknown = pieces[file.model.unknown] else {
            throw .unsupported(
                file: path, field: "model.unk_token", expected: "a piece of the vocabulary", found: file.model.unknown)
        }
        if let odd = pieces.numbers.values.first(where: { !(0..<1 << 24).contains($0) }) {
            throw .unsupported(
                file: path, field: "model.vocab", expected: "numbers from 0 to \(1 << 24 - 1)", found: "\(odd)")
        }
        let (first, last) = try file.around(path)
        self.init(
            vocabulary: WordPieceVocabulary(pieces, continuation: file.model.continuation, unknown: unknown),
            normalizer: file.normalizer!.value, longestWord: file.model.longestWord,
            special: SpecialTokens(first: first, last: last, written: try file.written(path)))
    }
}

/// The bytes of a file.
func contents(_ path: String) throws(TokenizerError) -> Data {
    do throws(UnreadableFile) { return Data(try RegularFile.bytes(of: path)) } catch {
        throw .unreadable(file: path, reason: "cannot be read: \(error.reason)")
    }
}
