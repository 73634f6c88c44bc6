import Federation
import PromptAggregation

/// What a client may say beside updates for its open tasks: a burst, and so many messages a second after that. A client
/// that works as it should stays far below; what one sends beyond it is not handled and not logged, so nobody fills the
/// disk or keeps the aggregator busy by heartbeats and hellos without end.
package struct MessageAllowance {
    private struct Account {
        var level: Double
        var time: Timestamp
    }

    /// ZeroMQ lets 1,000 messages wait for an aggregator that is away; they all come when it is back.
    package static let burst = 1200.0
    private static let eachSecond = 32.0
    /// In the time of a heartbeat.
    private static let eachHeartbeat = 4.0
    /// Clients beyond which those that could say everything again are no longer remembered.
    private static let capacity = 20_000

    private let perSecond: Double
    private var accounts: [ClientID: Account] = [:]

    /// - Parameter heartbeat: how often clients show a sign of life.
    package init(heartbeat: Duration) {
        perSecond = Self.eachSecond + Self.eachHeartbeat / max(0.001, heartbeat / .seconds(1))
    }

    /// Counts a message of a client.
    /// - Returns: whether the client may say it now.
    package mutating func admits(_ client: ClientID, at time: Timestamp) -> Bool {
        if accounts.count > Self.capacity {
            accounts = accounts.filter { level(of: $1, at: time) < Self.burst }
        }
        var account = accounts[client] ?? Account(level: Self.burst, time: time)
        account.level = level(of: account, at: time)
        account.time = max(account.time, time)
        defer { accounts[client] = account }
        guard account.level >= 1 else { return false }
        account.level -= 1
        return true
    }

    /// Clients that are remembered.
    package var count: Int { accounts.count }

    private func level(of account: Account, at time: Timestamp) -> Double {
        let passed = max(0, (time - account.time) / .seconds(1))
        return min(Self.burst, account.level + perSecond * passed)
    }
}

/// A client says more than it may; the message is dropped.
package struct Excess: Error, CustomStringConvertible {
    package let client: ClientID

    package var description: String { "\(client) sends more messages than a client may" }
}
