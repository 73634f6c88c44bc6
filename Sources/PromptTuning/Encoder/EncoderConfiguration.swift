import Files
import Foundation

/// What the files beside the weights say; every field may be missing, since the tensors' shapes show most of it.
struct EncoderConfiguration {
    /// `config.json`, for messages.
    let path: String
    /// Whether there is one.
    let exists: Bool
    private let fields: [String: JSONValue]

    init(path: String, json: Data) throws(EncoderError) {
        self.path = path
        exists = true
        let top = try Self.object(json, path: path)
        // Some libraries keep the vision tower's fields, or the image normalisation, in an object of their own.
        var fields = top
        for group in ["vision_config", "pretrained_cfg", "model_args"] {
            if case .object(let inner) = top[group] { fields.merge(inner) { _, inner in inner } }
        }
        self.fields = fields
    }

    /// Reads `config.json` in a folder and, as transformers has the images' normalisation there,
    /// `preprocessor_config.json`; either may be missing.
    init(folder: URL) throws(EncoderError) {
        let path = folder.appendingPathComponent("config.json").path
        var fields: [String: JSONValue] = [:]
        let json = try Self.contents(path)
        if let json { fields = try EncoderConfiguration(path: path, json: json).fields }
        exists = json != nil
        let images = folder.appendingPathComponent("preprocessor_config.json").path
        if let json = try Self.contents(images) {
            let said = try Self.object(json, path: images)
            for name in ["image_mean", "image_std", "do_normalize"] where fields[name] == nil {
                fields[name] = said[name]
            }
        }
        self.path = path
        self.fields = fields
    }

    /// The bytes of a file, nil when there is none.
    private static func contents(_ path: String) throws(EncoderError) -> Data? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do throws(UnreadableFile) { return Data(try RegularFile.bytes(of: path)) } catch {
            throw .unreadableConfiguration(path: path, "cannot be read: \(error.reason)")
        }
    }

    private static func object(_ json: Data, path: String) throws(EncoderError) -> [String: JSONValue] {
        guard let value = try? JSONDecoder().decode(JSONValue.self, from: json) else {
            throw .unreadableConfiguration(path: path, "expected a JSON object, found no JSON")
        }
        guard case .object(let fields) = value else {
            throw .unreadableConfiguration(path: path, "expected a JSON object, found \(value.kind)")
        }
        return fields
    }

    /// The fields of a JSON file, nil when there is none.
    static func fields(of path: String) throws(EncoderError) -> [String: JSONValue]? {
        guard let json = try contents(path) else { return nil }
        return try object(json, path: path)
    }

    var width: Int? { get throws(EncoderError) { try integer("hidden_size", "embed_dim", "hidden_dim") } }
    var depth: Int? { get throws(EncoderError) { try integer("num_hidden_layers", "depth", "num_layers") } }
    var heads: Int? { get throws(EncoderError) { try integer("num_attention_heads", "num_heads") } }
    var hidden: Int? { get throws(EncoderError) { try integer("intermediate_size", "mlp_dim") } }
    var imageSize: Int? { get throws(EncoderError) { try integer("image_size", "img_size") } }
    var patchSize: Int? { get throws(EncoderError) { try integer("patch_size") } }

    /// timm's name of the model.
    var architecture: String? { text("architecture") }
    /// What transformers calls the kind of model, and which positions its tokens have.
    var modelType: String? { text("model_type") }
    var positionType: String? { text("position_embedding_type") }
    /// Whether transformers wrote it, which leaves out fields that have its defaults.
    var isOfTransformers: Bool { text("model_type") != nil }
    /// Whether timm's position embeddings leave out the class token and the registers.
    var hasPositionsOfPatchesAlone: Bool? {
        if case .bool(let value) = fields["no_embed_class"] { value } else { nil }
    }

    private func text(_ name: String) -> String? {
        if case .string(let text) = fields[name] { text } else { nil }
    }

    var epsilon: Float? {
        get throws(EncoderError) {
            guard let (name, value) = first("layer_norm_eps") else { return nil }
            guard case .number(let number) = value, number > 0, number < 1 else {
                throw refuse(name, "a number in (0, 1)", value)
            }
            return Float(number)
        }
    }

    var activation: EncoderGeometry.Activation? {
        get throws(EncoderError) {
            guard let (name, value) = first("hidden_act", "activation") else { return nil }
            switch value {
            case .string("gelu"): return .gelu
            case .string("gelu_new"), .string("gelu_tanh"), .string("gelu_pytorch_tanh"), .string("gelu_fast"):
                return .geluTanh
            case .string("quick_gelu"): return .quickGelu
            default: throw refuse(name, "gelu, gelu_pytorch_tanh or quick_gelu", value)
            }
        }
    }

    /// The mean and standard deviation of each colour channel, for pixels in [0, 1].
    var normalisation: (mean: [Float], std: [Float])? {
        get throws(EncoderError) {
            if fields["do_normalize"] == .bool(false) { return ([0, 0, 0], [1, 1, 1]) }
            guard let mean = try channels("image_mean", "mean"), let std = try channels("image_std", "std") else {
                return nil
            }
            guard std.allSatisfy({ $0 > 0 }) else {
                throw .configuration(path: path, field: "image_std", expected: "positive numbers", found: "\(std)")
            }
            return (mean, std)
        }
    }

    private func first(_ names: String...) -> (name: String, value: JSONValue)? { first(names) }

    private func first(_ names: [String]) -> (name: String, value: JSONValue)? {
        for name in names {
            if let value = fields[name], value != .null { return (name, value) }
        }
        return nil
    }

    private func refuse(_ field: String, _ expected: String, _ found: JSONValue) -> EncoderError {
        .configuration(path: path, field: field, expected: expected, found: found.description)
    }

    private func integer(_ names: String...) throws(EncoderError) -> Int? {
        guard let (name, value) = first(names) else { return nil }
        var number = value
        // Sizes may be given for both directions.
        if case .array(let both) = value, both.count == 2, both[0] == both[1] { number = both[0] }
        guard case .number(let number) = number, let integer = Int(exactly: number), 1...1_000_000 ~= integer else {
            throw refuse(name, "a whole number in 1...1000000", value)
        }
        return integer
    }

    private func channels(_ names: String...) throws(EncoderError) -> [Float]? {
        guard let (name, value) = first(names) else { return nil }
        var channels: [Float] = []
        if case .array(let values) = value {
            for case .number(let number) in values where number.isFinite { channels.append(Float(number)) }
        }
        guard channels.count == 3 else { throw refuse(name, "three numbers", value) }
        return channels
    }
}

/// A JSON value.
indirect enum JSONValue: Decodable, Hashable, CustomStringConvertible {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else if let array = try? value.decode([JSONValue].self) {
            self = .array(array)
        } else {
            self = .object(try value.decode([String: JSONValue].self))
        }
    }

    /// What it is, in words.
    var kind: String { if case .array = self { "a list" } else { description } }

    var description: String {
        switch self {
        case .null: "null"
        case .bool(let bool): "\(bool)"
        case .number(let number): Int(exactly: number).map(String.init) ?? "\(number)"
        case .string(let string): "'\(string)'"
        case .array(let array): "[\(array.map(\.description).joined(separator: ", "))]"
        case .object: "an object"
        }
    }
}
