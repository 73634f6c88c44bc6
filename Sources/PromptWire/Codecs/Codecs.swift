import CPromptWire
import Federation
import PromptAggregation

/// Client messages and their bytes: `ClientEnvelope` of Proto/impromptu.proto.
///
/// Encoding never fails and writes values as they are; decoding refuses whatever is malformed. What decodes holds
/// everywhere but for the tensors' and metrics' values, which may be NaN or infinite: the aggregator refuses those of
/// tensors with a reason that the client can read.
public enum ClientCodec {
    /// The bytes of a message.
    public static func encode(_ message: ClientMessage) -> [UInt8] {
        MessageWriter.pack { $0.envelope(message) }
    }

    /// The message that bytes hold.
    /// - Throws: `WireError`, which names the field that is malformed or beyond the limits.
    public static func decode(
        _ bytes: UnsafeRawBufferPointer, limits: WireLimits = WireLimits()
    ) throws(WireError) -> ClientMessage {
        let reader = MessageReader(limits: limits)
        return try reader.unpack(bytes, as: "ClientEnvelope", impromptu__v2__client_envelope__unpack) {
            envelope throws(WireError) in try reader.clientMessage(envelope)
        }
    }

    /// Who a message says that it is from, also where the rest of it is refused; nil where it does not say.
    ///
    /// Every body of every version of the protocol has the client in its first field, so one that was refused for its
    /// version can be answered too.
    public static func sender(of bytes: UnsafeRawBufferPointer, limits: WireLimits = WireLimits()) -> ClientID? {
        guard bytes.count <= limits.messageBytes else { return SenderPeek.sender(of: bytes) }
        let reader = MessageReader(limits: limits)
        return try? reader.unpack(bytes, as: "ClientEnvelope", impromptu__v2__client_envelope__unpack) {
            envelope throws(WireError) in try reader.sender(envelope)
        }
    }

    /// The message that bytes hold.
    /// - Throws: `WireError`, which names the field that is malformed or beyond the limits.
    public static func decode(_ bytes: [UInt8], limits: WireLimits = WireLimits()) throws(WireError) -> ClientMessage {
        try bytes.withUnsafeBufferPointer { buffer throws(WireError) in
            try decode(UnsafeRawBufferPointer(buffer), limits: limits)
        }
    }
}

/// Aggregator messages and their bytes: `AggregatorEnvelope` of Proto/impromptu.proto.
///
/// The same holds as for `ClientCodec`.
public enum AggregatorCodec {
    /// The bytes of a message.
    /// - Parameter origin: the run and the aggregator's start that it comes from.
    public static func encode(_ message: AggregatorMessage, from origin: Origin) -> [UInt8] {
        MessageWriter.pack { $0.envelope(message, from: origin) }
    }

    /// The message that bytes hold, and where it comes from.
    /// - Throws: `WireError`, which names the field that is malformed or beyond the limits.
    public static func decode(
        _ bytes: UnsafeRawBufferPointer, limits: WireLimits = WireLimits()
    ) throws(WireError) -> AggregatorEnvelope {
        let reader = MessageReader(limits: limits)
        return try reader.unpack(bytes, as: "AggregatorEnvelope", impromptu__v2__aggregator_envelope__unpack) {
            envelope throws(WireError) in
            try reader.aggregatorEnvelope(envelope)
        }
    }

    /// The message that bytes hold, and where it comes from.
    /// - Throws: `WireError`, which names the field that is malformed or beyond the limits.
    public static func decode(
        _ bytes: [UInt8], limits: WireLimits = WireLimits()
    ) throws(WireError) -> AggregatorEnvelope {
        try bytes.withUnsafeBufferPointer { buffer throws(WireError) in
            try decode(UnsafeRawBufferPointer(buffer), limits: limits)
        }
    }

    /// The bytes of a `GlobalPrompts` by itself: the same for the same state in every epoch, so that a digest of them
    /// shows whether two states are equal bit for bit.
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
    public static func encode(_ record: EpochStarted) -> [UInt8] { MessageWriter.pack { $0.epochStarted(record) } }
    public static func encode(_ record: Tick) -> [UInt8] { MessageWriter.pack { $0.tick(record) } }
    public static func encode(_ record: FlushAggregated) -> [UInt8] {
        MessageWriter.pack { $0.flushAggregated(record) }
    }
    public static func encode(_ record: DrainRequested) -> [UInt8] { MessageWriter.pack { $0.drainRequested(record) } }
    public static func encode(_ record: SettingChanged) -> [UInt8] { MessageWriter.pack { $0.settingChanged(record) } }
    public static func encode(_ record: Publication) -> [UInt8] { MessageWriter.pack { $0.publication(record) } }
    public static func encode(_ record: Validation) -> [UInt8] { MessageWriter.pack { $0.validation(record) } }
    public static func encode(_ record: Checkpoint) -> [UInt8] { MessageWriter.pack { $0.checkpoint(record) } }
    public static func encode(_ record: SegmentStarted) -> [UInt8] { MessageWriter.pack { $0.segmentStarted(record) } }

    /// The same bytes up to those of a large snapshot, which follow them.
    /// - Parameters:
    ///   - record: its own snapshot is left out.
    ///   - snapshotBytes: the number of the bytes that follow.
    public static func encode(_ record: SegmentStarted, snapshotBytes: Int) -> [UInt8] {
        var bare = record
        bare.snapshot = []
        let fields = MessageWriter.pack { $0.segmentStarted(bare) }
        return snapshotBytes > 0 ? fields + LastField.head(snapshotField, snapshotBytes) : fields
    }

    /// Of `SegmentStarted` in Proto/impromptu.proto; the last of its fields.
    private static let snapshotField = 7

    /// The record that bytes of a channel hold.
    /// - Throws: `WireError`, which names the field that is malformed or beyond the limits.
    public static func decode(
        _ bytes: UnsafeRawBufferPointer, on channel: LogChannel, limits: WireLimits = WireLimits()
    ) throws(WireError) -> LogRecord {
        let reader = MessageReader(limits: limits)
        switch channel {
        case .header:
            return try reader.unpack(bytes, as: "RunHeader", impromptu__v2__run_header__unpack) {
                record throws(WireError) in .header(try reader.runHeader(record))
            }
        case .epoch:
            return try reader.unpack(bytes, as: "EpochStarted", impromptu__v2__epoch_started__unpack) {
                record throws(WireError) in .epoch(try reader.epochStarted(record))
            }
        case .received:
            return .received(try ClientCodec.decode(bytes, limits: limits))
        case .tick:
            return try reader.unpack(bytes, as: "Tick", impromptu__v2__tick__unpack) {
                record throws(WireError) in .tick(try reader.tick(record))
            }
        case .aggregated:
            return try reader.unpack(bytes, as: "FlushAggregated", impromptu__v2__flush_aggregated__unpack) {
                record throws(WireError) in .aggregated(try reader.flushAggregated(record))
            }
        case .drain:
            return try reader.unpack(bytes, as: "DrainRequested", impromptu__v2__drain_requested__unpack) {
                record throws(WireError) in .drain(try reader.drainRequested(record))
            }
        case .setting:
            return try reader.unpack(bytes, as: "SettingChanged", impromptu__v2__setting_changed__unpack) {
                record throws(WireError) in .setting(try reader.settingChanged(record))
            }
        case .publication:
            return try reader.unpack(bytes, as: "Publication", impromptu__v2__publication__unpack) {
                record throws(WireError) in .publication(try reader.publication(record))
            }
        case .validation:
            return try reader.unpack(bytes, as: "Validation", impromptu__v2__validation__unpack) {
                record throws(WireError) in .validation(try reader.validation(record))
            }
        case .checkpoint:
            return try reader.unpack(bytes, as: "Checkpoint", impromptu__v2__checkpoint__unpack) {
                record throws(WireError) in .checkpoint(try reader.checkpoint(record))
            }
        case .segment:
            // It holds as many states as the aggregator keeps, so no message's bound fits it.
            var wide = limits
            wide.messageBytes = .max
            let reader = MessageReader(limits: wide)
            // protobuf-c would make a copy of the states beside ours.
            let parts = LastField.split(bytes, snapshotField)
            return try reader.unpack(
                parts?.before ?? bytes, as: "SegmentStarted", impromptu__v2__segment_started__unpack
            ) { record throws(WireError) in
                var segment = try reader.segmentStarted(record)
                if let parts { segment.snapshot = Array(parts.content) }
                return .segment(segment)
            }
        }
    }

    /// The record that bytes of a channel hold.
    /// - Throws: `WireError`, which names the field that is malformed or beyond the limits.
    public static func decode(
        _ bytes: [UInt8], on channel: LogChannel, limits: WireLimits = WireLimits()
    ) throws(WireError) -> LogRecord {
        try bytes.withUnsafeBufferPointer { buffer throws(WireError) in
            try decode(UnsafeRawBufferPointer(buffer), on: channel, limits: limits)
        }
    }
}
