import Federation

/// The most that a message may hold; whatever goes beyond is refused before it is used.
public struct WireLimits: Hashable, Sendable {
    /// Bytes of a whole message.
    public var messageBytes = TravelLimits.messageBytes
    /// Tensors in an update or a state.
    public var tensors = TravelLimits.tensors
    /// Dimensions of a tensor.
    public var rank = 4
    /// Bytes of the name of a client, a tensor or a metric.
    public var nameBytes = 64
    public var metrics = 64
    /// Heartbeats of a presence.
    public var heartbeats = 4096
    /// Rows of `prompts`.
    public var prompts = TravelLimits.prompts
    /// Classes of an evaluation.
    public var classes = 65_536
    /// Fields of a model specification.
    public var modelFields = 4096
    /// Bytes of a digest, of a build's version or of a field of a model specification.
    public var labelBytes = 256
    /// Bytes of an aggregator's reason for a person.
    public var reasonBytes = 16_384
    /// Bytes of a client's reason for a failed task.
    public var failureBytes = TravelLimits.reasonBytes
    /// Bytes of the configuration in a log's header.
    public var configurationBytes = 1 << 20
    /// The largest count (of samples, steps, updates, milliseconds).
    public var count = 1 << 40

    public init() {}

    /// Those for what clients say in a run.
    /// - Parameter largestState: bytes of the largest state that updates may start from, as float32.
    public init(forClientsOf largestState: Int) {
        messageBytes = TravelLimits.clientMessageBytes(largestState: largestState)
    }
}
