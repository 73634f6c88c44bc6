import CPromptWire
import Federation
import PromptAggregation

/// Client messages and their bytes: `ClientEnvelope` of Proto/impromptu.proto.
///
/// Encoding never fails and writes values as they are; decoding refuses whatever is malformed. What decodes holds
/// everywhere but for the tensors' and metrics' values, which may be NaN or infinite: the aggregator refuses those of
/// tensors with a reason that the client can read.
public enum ClientCodec {
    public static func encode(_ message: ClientMessage) -> [UInt8] {
        MessageWriter.pack { $0.envelope(message) }
    }

    public static func decode(
        _ bytes: UnsafeRawBufferPointer, limits: WireLimits = WireLimits()
    ) throws(WireError) -> ClientMessage {
        let reader = MessageReader(limits: limits)
        return try reader.unpack(bytes, as: "ClientEnvelope", impromptu__v1__client_envelope__unpack) {
            envelope throws(WireError) in try reader.clientMessage(envelope)
        }
    }

    public static func decode(_ bytes: [UInt8], limits: WireLimits = WireLimits()) throws(WireError) -> ClientMessage {
        try bytes.withUnsafeBufferPointer { buffer throws(WireError) in
            try decode(UnsafeRawBufferPointer(buffer), limits: limits)
        }
    }
}

/// What the aggregator publishes: a message and which start of the aggregator sent it.
public struct AggregatorEnvelope: Hashable, Sendable {
    /// Changes whenever the aggregator starts anew.
    public var incarnation: UInt64
    public var message: AggregatorMessage

    public init(incarnation: UInt64, message: AggregatorMessage) {
        self.incarnation = incarnation
        self.message = message
    }
}

/// Aggregator messages and their bytes: `AggregatorEnvelope` of Proto/impromptu.proto.
///
/// The same holds as for `ClientCodec`.
public enum AggregatorCodec {
    public static func encode(_ message: AggregatorMessage, incarnation: UInt64) -> [UInt8] {
        MessageWriter.pack { $0.envelope(message, incarnation: incarnation) }
    }

    public static func decode(
        _ bytes: UnsafeRawBufferPointer, limits: WireLimits = WireLimits()
    ) throws(WireError) -> AggregatorEnvelope {
        let reader = MessageReader(limits: limits)
        return try reader.unpack(bytes, as: "AggregatorEnvelope", impromptu__v1__aggregator_envelope__unpack) {
            envelope throws(WireError) in
            AggregatorEnvelope(incarnation: envelope.incarnation, message: try reader.aggregatorMessage(envelope))
        }
    }

    public static func decode(
        _ bytes: [UInt8], limits: WireLimits = WireLimits()
    ) throws(WireError) -> AggregatorEnvelope {
        try bytes.withUnsafeBufferPointer { buffer throws(WireError) in
            try decode(UnsafeRawBufferPointer(buffer), limits: limits)
        }
    }

    /// The bytes of a `GlobalPrompts` by itself: the same for the same state in every incarnation, so that a digest of
    /// them tells whether two states are equal bit for bit.
    public static func globalPromptsPayload(_ message: AggregatorMessage.GlobalPrompts) -> [UInt8] {
        MessageWriter.pack { $0.globalPrompts(message) }
    }
}

/// The log's records and their bytes.
public enum LogCodec {
    /// The serialized `google.protobuf.FileDescriptorSet` that describes every record.
    public static var schema: [UInt8] {
        var size = 0
        let start = impromptu_schema(&size)
        return Array(UnsafeBufferPointer(start: start, count: size))
    }

    public static func encode(_ record: RunHeader) -> [UInt8] { MessageWriter.pack { $0.runHeader(record) } }
    public static func encode(_ record: IncarnationStarted) -> [UInt8] {
        MessageWriter.pack { $0.incarnationStarted(record) }
    }
    public static func encode(_ record: TimerFired) -> [UInt8] { MessageWriter.pack { $0.timerFired(record) } }
    public static func encode(_ record: DrainRequested) -> [UInt8] { MessageWriter.pack { $0.drainRequested(record) } }
    public static func encode(_ record: Publication) -> [UInt8] { MessageWriter.pack { $0.publication(record) } }

    public static func decode(
        _ bytes: UnsafeRawBufferPointer, on channel: LogChannel, limits: WireLimits = WireLimits()
    ) throws(WireError) -> LogRecord {
        let reader = MessageReader(limits: limits)
        switch channel {
        case .header:
            return try reader.unpack(bytes, as: "RunHeader", impromptu__v1__run_header__unpack) {
                record throws(WireError) in .header(try reader.runHeader(record))
            }
        case .incarnation:
            return try reader.unpack(bytes, as: "IncarnationStarted", impromptu__v1__incarnation_started__unpack) {
                record throws(WireError) in .incarnation(try reader.incarnationStarted(record))
            }
        case .received:
            return .received(try ClientCodec.decode(bytes, limits: limits))
        case .timer:
            return try reader.unpack(bytes, as: "TimerFired", impromptu__v1__timer_fired__unpack) {
                record throws(WireError) in .timer(TimerFired(try reader.timer(record)))
            }
        case .drain:
            return try reader.unpack(bytes, as: "DrainRequested", impromptu__v1__drain_requested__unpack) {
                record throws(WireError) in .drain(try reader.drainRequested(record))
            }
        case .publication:
            return try reader.unpack(bytes, as: "Publication", impromptu__v1__publication__unpack) {
                record throws(WireError) in .publication(try reader.publication(record))
            }
        }
    }

    public static func decode(
        _ bytes: [UInt8], on channel: LogChannel, limits: WireLimits = WireLimits()
    ) throws(WireError) -> LogRecord {
        try bytes.withUnsafeBufferPointer { buffer throws(WireError) in
            try decode(UnsafeRawBufferPointer(buffer), on: channel, limits: limits)
        }
    }
}
