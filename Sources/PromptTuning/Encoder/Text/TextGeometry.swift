/// How an encoder reads texts.
public struct TextGeometry: Hashable, Sendable {
    /// Tokens that have an embedding.
    public var vocabulary: Int
    /// Tokens of a text that have a position.
    public var positions: Int
    /// Tokens of a text that are read, class token and separator among them.
    public var maximumLength: Int
    public var pooling: Pooling

    /// What the features of a text are.
    public enum Pooling: String, Hashable, Sendable, CaseIterable {
        /// The class token after the last block.
        case classToken = "class-token"
        /// The mean of the text's own tokens after the last block, class token and separator among them, prompts not.
        case mean

        /// What sentence-transformers' `1_Pooling/config.json` says; the class token where there is none.
        /// - Throws: `EncoderError` for another kind of pooling.
        init(folder: String) throws(EncoderError) {
            let path = folder + "/1_Pooling/config.json"
            guard let fields = try EncoderConfiguration.fields(of: path) else {
                self = .classToken
                return
            }
            let modes = fields.filter { $0.key.hasPrefix("pooling_mode_") && $0.value == .bool(true) }.keys.sorted()
            switch modes {
            case ["pooling_mode_cls_token"]: self = .classToken
            case ["pooling_mode_mean_tokens"]: self = .mean
            default:
                throw .configuration(
                    path: path, field: "pooling_mode_*",
                    expected: "true for one of pooling_mode_cls_token and pooling_mode_mean_tokens",
                    found: modes.isEmpty ? "none" : modes.joined(separator: ", "))
            }
        }
    }

    /// Tokens of a text that sentence-transformers reads by `sentence_bert_config.json`; nil where it does not say.
    static func maximumLength(folder: String) throws(EncoderError) -> Int? {
        guard
            case .number(let length)? = try EncoderConfiguration.fields(
                of: folder + "/sentence_bert_config.json")?["max_seq_length"]
        else { return nil }
        return Int(exactly: length)
    }
}
