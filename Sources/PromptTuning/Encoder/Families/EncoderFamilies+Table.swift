extension EncoderFamilies {
    /// A family for people: what `encoder.family` may be and what it stands for.
    public struct Description: Encodable, Sendable {
        public var name: String
        public var models: String
        /// Libraries and classes that save its models.
        public var libraries: [String]
        /// What of the last block is the image's feature.
        public var features: String
        public var activation: String
        /// Normalisation of the images where no file says it: one number, or one for each channel.
        public var mean: String
        public var std: String
    }

    public static var descriptions: [Description] {
        all.map { family in
            var libraries: [String] = []
            for names in family.layouts where !libraries.contains(names.title) { libraries.append(names.title) }
            let pools = family.layouts.contains { $0.pooling != nil }
            return Description(
                name: family.name, models: family.models, libraries: libraries,
                features: pools ? "attention pooling" : "class token", activation: family.activation.rawValue,
                mean: channels(family.mean), std: channels(family.std))
        }
    }

    /// The families as a Markdown table.
    public static var familyTable: String {
        table(
            ["`encoder.family`", "models", "saved by", "features", "activation", "mean, std"],
            descriptions.map { family in
                [
                    "`\(family.name)`", family.models, family.libraries.joined(separator: "; "), family.features,
                    family.activation, "\(family.mean), \(family.std)",
                ]
            })
    }

    /// The libraries' layouts as a Markdown table: by which names they are recognised and what follows from their code.
    public static var layoutTable: String {
        var seen: Set<String> = []
        let layouts = all.flatMap(\.layouts).filter {
            seen.insert($0.title + $0.block(0).expand + $0.extraNames).inserted
        }
        return table(
            ["library and class", "patches, first block", "further tokens", "epsilon", "other image sizes"],
            layouts.map { names in
                let interpolation = names.positionInterpolation.title
                let withRegisters = names.interpolationWithRegisters.map { "; \($0.title) with registers" } ?? ""
                return [
                    names.title, "`\(names.patches).weight`, `\(names.block(0).expand).weight`",
                    names.extraTokens.isEmpty ? "none" : names.extraNames, "\(names.epsilon)",
                    interpolation + withRegisters,
                ]
            })
    }

    private static func channels(_ values: [Float]) -> String {
        Set(values).count == 1 ? "\(values[0])" : values.map { "\($0)" }.joined(separator: " ")
    }

    private static func table(_ heads: [String], _ rows: [[String]]) -> String {
        ([heads, heads.map { _ in "---" }] + rows).map { "| \($0.joined(separator: " | ")) |\n" }.joined()
    }
}

extension TensorNames {
    fileprivate var extraNames: String { extraTokens.map { "`\($0)`" }.joined(separator: ", ") }
}

extension PositionInterpolation {
    fileprivate var title: String {
        switch self {
        case .centres: "bicubic"
        case .corners: "bicubic, corners aligned"
        case .antialiased: "bicubic, antialiased"
        }
    }
}
