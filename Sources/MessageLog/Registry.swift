/// Names a schema within its log. Ids count from 1 in the order of declaration.
public struct SchemaID: Hashable, Sendable {
    let value: UInt16
    /// For channels whose messages have no schema.
    public static let none = SchemaID(value: 0)
}

/// Names a channel within its log. Ids count from 1 in the order of declaration.
public struct ChannelID: Hashable, Sendable {
    let value: UInt16
    /// The position in the list of the log's channels.
    public var ordinal: Int { Int(value) - 1 }
}

/// The description of a message type.
public struct LogSchema: Hashable, Sendable {
    public var name: String
    /// For example `protobuf`.
    public var encoding: String
    public var data: [UInt8]
}

/// A stream of messages of one type.
public struct LogChannel: Hashable, Sendable {
    public var topic: String
    public var schema: SchemaID
    /// For example `protobuf`.
    public var messageEncoding: String
    public var metadata: [String: String]
}

/// All schemas and channels of a log, in the order of their ids.
struct Registry {
    private(set) var schemas: [LogSchema]
    private(set) var channels: [LogChannel]

    init(schemas: [LogSchema] = [], channels: [LogChannel] = []) {
        self.schemas = schemas
        self.channels = channels
    }

    func knows(_ channel: ChannelID) -> Bool { channel.value >= 1 && Int(channel.value) <= channels.count }
    func knows(_ schema: SchemaID) -> Bool { Int(schema.value) <= schemas.count }

    func id(of schema: LogSchema) -> SchemaID? {
        schemas.firstIndex(of: schema).map { SchemaID(value: UInt16($0 + 1)) }
    }

    func id(ofTopic topic: String) -> ChannelID? {
        channels.firstIndex { $0.topic == topic }.map { ChannelID(value: UInt16($0 + 1)) }
    }

    /// nil for a channel without a schema.
    func schema(_ id: SchemaID) -> LogSchema? {
        schemas.indices.contains(Int(id.value) - 1) ? schemas[Int(id.value) - 1] : nil
    }

    /// The first so many of each.
    func prefix(schemas: Int, channels: Int) -> Registry {
        Registry(schemas: Array(self.schemas.prefix(schemas)), channels: Array(self.channels.prefix(channels)))
    }

    /// Takes a new schema; nil if the ids are used up.
    mutating func add(_ schema: LogSchema) -> SchemaID? {
        guard schemas.count < Int(UInt16.max) else { return nil }
        schemas.append(schema)
        return SchemaID(value: UInt16(schemas.count))
    }

    /// Takes a new channel; nil if the ids are used up.
    mutating func add(_ channel: LogChannel) -> ChannelID? {
        guard channels.count < Int(UInt16.max) else { return nil }
        channels.append(channel)
        return ChannelID(value: UInt16(channels.count))
    }
}

extension [UInt8] {
    mutating func append(_ schema: LogSchema, id: SchemaID) {
        appendRecord(.schema) { content in
            content.append(integer: id.value)
            content.append(string: schema.name)
            content.append(string: schema.encoding)
            content.append(integer: UInt32(schema.data.count))
            content.append(contentsOf: schema.data)
        }
    }

    mutating func append(_ channel: LogChannel, id: ChannelID) {
        appendRecord(.channel) { content in
            content.append(integer: id.value)
            content.append(integer: channel.schema.value)
            content.append(string: channel.topic)
            content.append(string: channel.messageEncoding)
            let sizeOffset = content.count
            content.append(integer: UInt32(0))
            for (key, value) in channel.metadata.sorted(by: { $0.key < $1.key }) {
                content.append(string: key)
                content.append(string: value)
            }
            content.overwrite(at: sizeOffset, with: UInt32(content.count - sizeOffset - 4))
        }
    }
}

extension FieldCursor {
    /// The content of a schema record, or nil if it is malformed.
    mutating func schema() -> (id: UInt16, schema: LogSchema)? {
        guard let id = integer(UInt16.self), let name = string(), let encoding = string(), let data = sized(), isAtEnd
        else { return nil }
        return (id, LogSchema(name: name, encoding: encoding, data: Array(data)))
    }

    /// The content of a channel record, or nil if it is malformed.
    mutating func channel() -> (id: UInt16, channel: LogChannel)? {
        guard let id = integer(UInt16.self), let schema = integer(UInt16.self), let topic = string(),
            let encoding = string(), let pairs = sized(), isAtEnd
        else { return nil }
        var metadata: [String: String] = [:]
        var cursor = FieldCursor(pairs)
        while !cursor.isAtEnd {
            guard let key = cursor.string(), let value = cursor.string(), metadata[key] == nil else { return nil }
            metadata[key] = value
        }
        let channel = LogChannel(
            topic: topic, schema: SchemaID(value: schema), messageEncoding: encoding, metadata: metadata)
        return (id, channel)
    }
}
