import Safetensors

/// What a file of weights was recognised as.
struct Recognition {
    let family: EncoderFamily
    let names: TensorNames
    /// What comes before the names of the encoder's tensors in the file.
    let prefix: String
    /// Other families whose models look the same, where nothing but their order decided.
    let alike: [EncoderFamily]

    /// A way to read the file.
    private struct Candidate {
        let family: EncoderFamily
        let names: TensorNames
        let prefix: String
        /// The part of the layout's characteristic tensors that are there.
        let share: Double
        let isMarked: Bool

        func isBetter(than other: Candidate) -> Bool {
            share != other.share ? share > other.share : isMarked && !other.isMarked
        }
        func equals(_ other: Candidate) -> Bool { !isBetter(than: other) && !other.isBetter(than: self) }
    }

    /// Recognises the family from the names of the tensors: the one most of whose characteristic tensors are there, at
    /// least half of them. Among equals, marks of the family decide, then the order of the families.
    ///
    /// - Parameters:
    ///   - stated: the family that the user names, nil for none.
    ///   - architecture: what timm's configuration calls the model.
    init(_ weights: SafetensorsModel, stated: EncoderFamily?, architecture: String?) throws(EncoderError) {
        let candidates = (stated.map { [$0] } ?? EncoderFamilies.all).flatMap { family in
            family.layouts.flatMap { Self.candidates(family, $0, weights, architecture) }
        }
        guard var best = candidates.first else {
            let examples = Array(weights.names.prefix(3))
            guard let stated else { throw .unrecognisedNames(path: weights.path, examples: examples) }
            throw .otherFamily(path: weights.path, stated: stated.name, examples: examples)
        }
        for candidate in candidates where candidate.isBetter(than: best) { best = candidate }
        let equals = candidates.filter { $0.equals(best) }
        let prefixes = equals.filter { $0.family.name == best.family.name && $0.names.title == best.names.title }
            .map(\.prefix)
        guard prefixes.count == 1 else { throw .severalEncoders(path: weights.path, prefixes: prefixes.sorted()) }
        family = best.family
        names = best.names
        prefix = best.prefix
        alike = equals.map(\.family).filter { $0.name != best.family.name }
    }

    private static func candidates(
        _ family: EncoderFamily, _ names: TensorNames, _ weights: SafetensorsModel, _ architecture: String?
    ) -> [Candidate] {
        let expected = names.characteristicNames
        return prefixes(of: names, in: weights).compactMap { prefix in
            let share = Double(expected.count { weights.contains(prefix + $0) }) / Double(expected.count)
            guard share >= 0.5 else { return nil }
            let isMarked =
                family.marks.contains { $0.allSatisfy { weights.contains(prefix + $0) } }
                || family.architecture.map { architecture?.contains($0) ?? false } ?? false
            return Candidate(family: family, names: names, prefix: prefix, share: share, isMarked: isMarked)
        }
    }

    /// What may come before the names: larger models and training loops keep the encoder under names of their own.
    private static func prefixes(of names: TensorNames, in weights: SafetensorsModel) -> [String] {
        let anchors = [names.patches + ".weight", names.classToken ?? names.positions]
        let found = weights.names.flatMap { name in
            anchors.filter(name.hasSuffix).map { String(name.dropLast($0.count)) }
        }
        return Set(found.filter { $0.isEmpty || $0.hasSuffix(".") }).sorted()
    }
}
