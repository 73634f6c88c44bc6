extension Float {
    /// The nearest finite value.
    init(saturating value: Double) {
        self = Float(
            Swift.max(-Double(Float.greatestFiniteMagnitude), Swift.min(Double(Float.greatestFiniteMagnitude), value)))
    }
}
