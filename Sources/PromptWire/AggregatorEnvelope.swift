import Federation

/// What the aggregator publishes: a message, of which run, and which start of the aggregator sent it.
public struct AggregatorEnvelope: Hashable, Sendable {
    public var origin: Origin
    public var message: AggregatorMessage

    public init(origin: Origin, message: AggregatorMessage) {
        self.origin = origin
        self.message = message
    }
}
