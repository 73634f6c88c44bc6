import Federation

/// What the aggregator publishes: a message with its run and the start of the aggregator that sent it.
public struct AggregatorEnvelope: Hashable, Sendable {
    public var origin: Origin
    public var message: AggregatorMessage

    public init(origin: Origin, message: AggregatorMessage) {
        self.origin = origin
        self.message = message
    }
}
