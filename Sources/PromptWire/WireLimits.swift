/// The most that a message may hold; whatever goes beyond is refused before it is used.
public struct WireLimits: Hashable, Sendable {
    /// Bytes of a whole message.
    public var messageBytes = 64 << 20
    /// Tensors in an update or a state.
    public var tensors = 64
    /// Dimensions of a tensor.
    public var rank = 4
    /// Bytes of the name of a client, a tensor or a metric.
    public var nameBytes = 64
    public var metrics = 64
    /// Rows of `prompts`.
    public var prompts = 65_536
    /// Sequences that an ack lists one by one.
    public var ahead = 65_536
    /// Bytes of an encoder's digest or of a build's version.
    public var labelBytes = 256
    /// Bytes of a reason for a person.
    public var reasonBytes = 16_384
    /// Bytes of the configuration in a log's header.
    public var configurationBytes = 1 << 20
    /// The largest count (of samples, steps, updates, milliseconds).
    public var count = 1 << 40

    public init() {}
}
