/// How the fit moves.
package struct PoolFitOptions: Hashable, Sendable {
    /// How Φ moves in a sweep.
    package enum PromptStep: String, Hashable, Sendable, CaseIterable {
        /// Along the gradient of the whole objective, with Adam.
        case gradient
        /// To the weighted mean of the matched rows, where the Gaussian term is largest for a given covariance.
        case mean
    }

    /// When prompts that no client is matched with leave the pool.
    package enum Drop: String, Hashable, Sendable, CaseIterable {
        /// After each sweep, so that no row can come back to them.
        case sweep
        /// After the last sweep.
        case end
        /// Not within the fit.
        case never
    }

    var sweeps: Int
    var learningRate: Double
    var promptStep: PromptStep
    /// How much the place of a prompt at the start of the fit weighs against its evidence in `mean`.
    var inertia: Double = 0
    /// Whether the matches stay as they are given: for searches over all of them.
    package var keepsMatches = false
    package var drop = Drop.never
    /// When a row may be matched with a new prompt; nil where no prompt may be born.
    var births: Births?

    struct Births: Hashable, Sendable {
        /// The log-odds of a client's using a prompt that no one has used.
        var logOdds: Double
        /// Clients of less weight bear no prompts.
        var leastWeight: Double
        /// How far from every prompt a new one must be, in typical distances between the pool's prompts.
        var leastDistance: Double
    }

    package init(sweeps: Int, learningRate: Double, promptStep: PromptStep) {
        self.sweeps = sweeps
        self.learningRate = learningRate
        self.promptStep = promptStep
    }
}
