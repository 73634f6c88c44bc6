import Federation
import PromptAggregation

extension Topic {
    /// The first frame of what the aggregator publishes, and what a client subscribes to.
    ///
    /// ZeroMQ matches a subscription with the start of the topic, so a name ends with `/`, which no client name holds:
    /// who subscribes to `c/client-1/` gets nothing of `c/client-10/`.
    public var name: String {
        switch self {
        case .all: "g"
        case .client(let client): "c/\(client.name)/"
        }
    }

    /// The bytes of `name`.
    public var bytes: [UInt8] { Array(name.utf8) }

    /// The topic of that name, as it stands in a published message or in a subscription.
    public init(bytes: some Collection<UInt8>) throws(WireError) {
        let found = Array(bytes)
        if found == Topic.all.bytes {
            self = .all
            return
        }
        guard found.starts(with: "c/".utf8), found.last == UInt8(ascii: "/"), found.count > 3 else {
            throw WireError(field: "topic", problem: "expected 'g' or 'c/<client>/', found \(shown(found))")
        }
        let name = Array(found[2..<found.count - 1])
        self = .client(
            try name.withUnsafeBufferPointer { name throws(WireError) in
                try MessageReader(limits: WireLimits()).clientID(UnsafeRawBufferPointer(name), "topic")
            })
    }
}
