/// The settings that all forms of PFPT take.
enum PfptSettings {
    static func fit(
        sweeps: Int, promptStep: PoolFitOptions.PromptStep, share: String, evidence: EvidenceExtent
    ) -> [SettingDeclaration] {
        [
            .integer("sweeps", sweeps, 1...10_000, "Sweeps of the alternating fit at each flush."),
            .number("learning_rate", 1e-3, 1e-8...1, "Adam's step size for the prompts and both networks."),
            .integer("hidden", 128, 1...4096, "Hidden units of the covariance and of the usage network."),
            .choice(
                "prompt_step", promptStep.rawValue, PoolFitOptions.PromptStep.allCases.map(\.rawValue),
                "How prompts move in a sweep: along the gradient, or to the weighted mean of their matches."),
            .choice(
                "drop", PoolFitOptions.Drop.sweep.rawValue,
                [PoolFitOptions.Drop.sweep.rawValue, PoolFitOptions.Drop.end.rawValue],
                "Whether unsupported prompts leave a newly begun pool after each sweep or at the end."),
            .choice(
                "share", share, ["equal", "samples"],
                "Whether clients weigh alike or by sample count, relative to the typical one."),
            .choice(
                "evidence", evidence.rawValue, EvidenceExtent.allCases.map(\.rawValue),
                "Prompts that a client observed: those it touched, that any touched, or all; untouched ones as they lie."
            ),
        ]
    }

    static func options(_ settings: CheckedSettings) -> PoolFitOptions {
        var options = PoolFitOptions(
            sweeps: settings.integer("sweeps"), learningRate: settings.number("learning_rate"),
            promptStep: PoolFitOptions.PromptStep(rawValue: settings.text("prompt_step")) ?? .gradient)
        options.drop = PoolFitOptions.Drop(rawValue: settings.text("drop")) ?? .sweep
        return options
    }

    static func extent(_ settings: CheckedSettings) -> EvidenceExtent {
        EvidenceExtent(rawValue: settings.text("evidence")) ?? .touched
    }
}
