/// An update as the aggregation sees it.
public struct Contribution: Hashable, Sendable {
    public var client: ClientID
    /// Which start of the client sent it.
    public var session: UInt64
    /// The update's number within the session, from 1.
    public var sequence: UInt64
    /// Values after local tuning. `prompts` holds only the rows that the client touched: [touched, width].
    public var parameters: Parameters
    /// The identity of the pool's prompt from which each row of `prompts` started.
    public var promptIDs: [PromptID]
    /// The state that the client started from.
    public var base: PromptState
    /// The number of training samples of the client.
    public var sampleCount: Int
    /// Current version − base version, at least 0.
    public var staleness: Int
    /// s(τ): the policy's factor for that staleness, in (0, 1].
    public var stalenessWeight: Double

    public init(
        client: ClientID, session: UInt64, sequence: UInt64, parameters: Parameters, promptIDs: [PromptID],
        base: PromptState, sampleCount: Int, staleness: Int, stalenessWeight: Double
    ) {
        self.client = client
        self.session = session
        self.sequence = sequence
        self.parameters = parameters
        self.promptIDs = promptIDs
        self.base = base
        self.sampleCount = sampleCount
        self.staleness = staleness
        self.stalenessWeight = stalenessWeight
    }

    /// The order in which contributions are summed: by client, then by session and sequence.
    public static func inOrder(_ a: Contribution, _ b: Contribution) -> Bool {
        (a.client, a.session, a.sequence) < (b.client, b.session, b.sequence)
    }
}
