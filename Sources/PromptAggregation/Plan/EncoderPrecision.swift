/// What the products with the weights of an encoder's blocks are computed in. The sums are float32 in either case, as is
/// everything else: prompts, head, patches, norms, attention, and the optimizer.
public enum EncoderPrecision: String, Codable, Hashable, Sendable, CaseIterable {
    case float32
    /// Weights and what they are multiplied by are rounded to bfloat16: 8 significant bits, to nearest even, subnormal
    /// numbers to zero.
    case bfloat16
}
