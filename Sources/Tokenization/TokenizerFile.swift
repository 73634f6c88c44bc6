import Foundation

/// What `tokenizer.json` says.
struct TokenizerFile: Decodable {
    /// What `tokenizer_config.json` says.
    struct Settings: Decodable {
        var lowercases, separatesChinese, stripsAccents: Bool?

        enum CodingKeys: String, CodingKey {
            case lowercases = "do_lower_case"
            case separatesChinese = "tokenize_chinese_chars"
            case stripsAccents = "strip_accents"
        }
    }

    struct Model: Decodable {
        var type: String?
        var unknown: String
        var continuation: String
        var longestWord: Int

        enum CodingKeys: String, CodingKey {
            case type
            case unknown = "unk_token"
            case continuation = "continuing_subword_prefix"
            case longestWord = "max_input_chars_per_word"
        }
    }

    struct Normalizer: Decodable {
        var type: String
        var cleansText, separatesChinese, stripsAccents, lowercases: Bool?

        enum CodingKeys: String, CodingKey {
            case type
            case cleansText = "clean_text"
            case separatesChinese = "handle_chinese_chars"
            case stripsAccents = "strip_accents"
            case lowercases = "lowercase"
        }

        /// Accents go with capitals unless the file says otherwise.
        var value: BertNormalizer {
            BertNormalizer(
                cleansText: cleansText ?? true, separatesChinese: separatesChinese ?? true,
                stripsAccents: stripsAccents ?? lowercases ?? true, lowercases: lowercases ?? true)
        }
    }

    struct PreTokenizer: Decodable { var type: String }

    /// What is put around a text: `TemplateProcessing` or `BertProcessing`.
    struct PostProcessor: Decodable {
        struct Piece: Decodable {
            struct Name: Decodable { var id: String }
            var special: Name?
            var sequence: Name?

            enum CodingKeys: String, CodingKey {
                case special = "SpecialToken"
                case sequence = "Sequence"
            }
        }
        struct Token: Decodable { var ids: [Int32] }
        /// A piece and its number.
        struct Pair: Decodable {
            var number: Int32
            init(from decoder: any Decoder) throws {
                var values = try decoder.unkeyedContainer()
                _ = try values.decode(String.self)
                number = try values.decode(Int32.self)
            }
        }
        var type: String
        var single: [Piece]?
        var special: [String: Token]?
        var cls, sep: Pair?

        enum CodingKeys: String, CodingKey {
            case type, single, cls, sep
            case special = "special_tokens"
        }
    }

    struct Added: Decodable {
        var id: Int32
        var content: String
        var isWord, stripsLeft, stripsRight, normalized: Bool?

        enum CodingKeys: String, CodingKey {
            case id, content, normalized
            case isWord = "single_word"
            case stripsLeft = "lstrip"
            case stripsRight = "rstrip"
        }
    }

    var model: Model
    var normalizer: Normalizer?
    var preTokenizer: PreTokenizer?
    var postProcessor: PostProcessor?
    var added: [Added]?

    enum CodingKeys: String, CodingKey {
        case model, normalizer
        case preTokenizer = "pre_tokenizer"
        case postProcessor = "post_processor"
        case added = "added_tokens"
    }

    static func decode<Value: Decodable>(
        _ type: Value.Type, _ path: String, _ data: Data
    ) throws(TokenizerError) -> Value {
        do { return try JSONDecoder().decode(type, from: data) } catch let error as DecodingError {
            throw .unreadable(file: path, reason: words(error))
        } catch { throw .unreadable(file: path, reason: "expected JSON: \(error.localizedDescription)") }
    }

    private static func words(_ error: DecodingError) -> String {
        func place(_ context: DecodingError.Context, _ last: String? = nil) -> String {
            (context.codingPath.map(\.stringValue) + [last].compactMap(\.self)).joined(separator: ".")
        }
        return switch error {
        case .keyNotFound(let key, let context): "expected the field \(place(context, key.stringValue)), found none"
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            "\(place(context)): expected \(type), found another value"
        case .dataCorrupted(let context): "\(place(context)): \(context.debugDescription)"
        @unknown default: "expected a tokenizer's JSON"
        }
    }

    /// The tokens before and after every text.
    func around(_ path: String) throws(TokenizerError) -> (first: Int32, last: Int32) {
        func refuse(_ expected: String, _ found: String) -> TokenizerError {
            .unsupported(file: path, field: "post_processor", expected: expected, found: found)
        }
        guard let processor = postProcessor else { throw refuse("TemplateProcessing or BertProcessing", "none") }
        switch processor.type {
        case "BertProcessing":
            guard let first = processor.cls, let last = processor.sep else { throw refuse("cls and sep", "neither") }
            return (first.number, last.number)
        case "TemplateProcessing":
            let pieces = processor.single ?? []
            guard pieces.count == 3, pieces[1].sequence != nil,
                let first = pieces[0].special.flatMap({ processor.special?[$0.id]?.ids.first }),
                let last = pieces[2].special.flatMap({ processor.special?[$0.id]?.ids.first })
            else { throw refuse("a template of a special token, the text and a special token", "another") }
            return (first, last)
        default: throw refuse("TemplateProcessing or BertProcessing", processor.type)
        }
    }

    /// The tokens that a text may hold in writing.
    func written(_ path: String) throws(TokenizerError) -> [SpecialTokens.Written] {
        try (added ?? []).map { token throws(TokenizerError) in
            for (field, value) in [
                ("single_word", token.isWord), ("lstrip", token.stripsLeft), ("rstrip", token.stripsRight),
                ("normalized", token.normalized),
            ] where value ?? false {
                throw .unsupported(
                    file: path, field: "added_tokens, '\(token.content)', \(field)", expected: "false", found: "true")
            }
            return .init(content: Array(token.content.unicodeScalars), number: token.id)
        }
    }
}
