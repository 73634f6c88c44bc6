import ZeroMQTransport

/// How far the connection of a socket has come, as its monitor's events say.
package enum Reach: Hashable, Sendable {
    /// Nobody was reached.
    case nothing
    /// Somebody was reached, who has said nothing so far.
    case connects
    /// Somebody was reached, who ended the connection instead of a handshake.
    case brokenOff
    /// One side has keys, the other has none.
    case oneSidedKeys
    /// The aggregator does not know the key. ZeroMQ does not try again.
    case keyUnknown
    case talks

    package mutating func take(_ event: ConnectionEvent) {
        switch event.kind {
        case .connected: self = .connects
        case .handshakeSucceeded: self = .talks
        case .authenticationFailed: self = .keyUnknown
        case .handshakeFailed: self = event.isMechanismMismatch ? .oneSidedKeys : .brokenOff
        case .disconnected:
            if self == .connects { self = .brokenOff }
            if self == .talks { self = .nothing }
        default: break
        }
    }

    /// Whether the other side is there, and trying again does not help by itself.
    package var isRefusal: Bool { [.brokenOff, .oneSidedKeys, .keyUnknown].contains(self) }

    /// What may be wrong.
    /// - Parameter hasKeys: whether this side has keys.
    package func words(hasKeys: Bool) -> String {
        switch self {
        case .nothing:
            "nobody answers: is the aggregator started, is this its address, does a firewall let the port through?"
        case .connects: "the connection is taken, but nobody speaks on it: is this the aggregator's port?"
        case .brokenOff:
            hasKeys
                ? "the connection is broken off: is the aggregator's public key (security.aggregator_key, or"
                    + " aggregator.public in security.keys) that of this aggregator, and are endpoints.updates and"
                    + " endpoints.prompts not swapped?"
                : "the connection is broken off: are endpoints.updates and endpoints.prompts swapped, or is this"
                    + " another program's port?"
        case .oneSidedKeys:
            hasKeys
                ? "this side has security.keys, the aggregator has none"
                : "the aggregator has security.keys, this side has none"
        case .keyUnknown: "the aggregator does not know this key"
        case .talks: "connected"
        }
    }
}
