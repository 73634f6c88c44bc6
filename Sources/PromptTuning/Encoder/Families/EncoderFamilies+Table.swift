extension EncoderFamilies {
    /// The families as a Markdown table: what `encoder.family` may be and what it stands for.
    public static var familyTable: String {
        table(
            ["`encoder.family`", "models", "saved by", "features", "activation", "mean, std"],
            all.map { family in
                var libraries: [String] = []
                for names in family.layouts where !libraries.contains(names.title) { libraries.append(names.title) }
                let pools = family.layouts.contains { $0.pooling != nil }
                return [
                    "`\(family.name)`", family.models, libraries.joined(separator: "; "),
                    pools ? "attention pooling" : "class token", family.activation.rawValue,
                    "\(channels(family.mean)), \(channels(family.std))",
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
