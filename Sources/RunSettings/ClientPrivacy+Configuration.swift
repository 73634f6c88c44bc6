import Federation
import PromptAggregation

extension ClientPrivacy {
    /// nil where updates are sent as they are.
    init?(_ reader: ConfigurationReader) throws {
        let clipNorm = try reader.number(
            "privacy.clip_norm", 0, 0...1e30,
            "clients clip what an update changes to this Euclidean norm and add noise; 0 sends updates as they are")
        let noiseMultiplier = try reader.number(
            "privacy.noise_multiplier", 1, 1e-3...1e6, "the noise's standard deviation, in clip norms")
        let delta = try reader.number("privacy.delta", 1e-5, 1e-300...0.5, "delta of the epsilon that is reported")
        let budget = try reader.number(
            "privacy.epsilon_budget", 0, 0...1e12,
            "a client takes no task whose update would bring its epsilon above this; 0 for no bound")
        let sampleCount = try reader.integer(
            "privacy.sample_count", 1, 0...1_000_000_000,
            "samples that a client with privacy says it has; 0 for the true number, which is not protected")
        guard clipNorm > 0 else { return nil }
        self.init(
            clipNorm: clipNorm, noiseMultiplier: noiseMultiplier, delta: delta, budget: budget > 0 ? budget : nil,
            sampleCount: sampleCount > 0 ? sampleCount : nil)
        reader.require(
            budget == 0 || !isSpent(rho: 0),
            "privacy.epsilon_budget: expected at least \(epsilon(rho: rho)), what an update costs with"
                + " privacy.noise_multiplier \(noiseMultiplier), found \(budget)")
    }
}

extension RunConfiguration {
    /// Asks that clients send only what privacy covers, and can keep account.
    func checkPrivacy(_ reader: ConfigurationReader) {
        guard privacy != nil else { return }
        if let obstacle = ClientPrivacy.obstacle(to: federation.plan) {
            reader.require(
                false,
                "privacy.clip_norm: expected 0 with strategy.name \(strategy.name), whose updates cannot be protected:"
                    + " \(obstacle)")
        }
        reader.require(
            worker.outbox != nil,
            "privacy.clip_norm: expected 0 without worker.outbox, where clients keep account of what they give away")
    }
}
