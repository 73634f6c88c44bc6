/// How prompts are picked from the pool for images that nothing is trained on. Training picks by its own batches.
public enum PromptSelectionRule: String, Codable, Hashable, Sendable, CaseIterable {
    /// Each image uses the prompts of the highest cosine with its own class feature, whatever other images there are.
    case instance
    /// Consecutive images vote, and all of them use the prompts that most of them picked, as the authors of PFPT evaluate.
    case batch

    /// Consecutive images that vote together.
    public static let batchSize = 64
}
