import Federation
import PromptAggregation

/// Who answers for a message: whoever holds a key, or without keys a connection.
package enum Party: Hashable, Sendable {
    case key(String)
    case connection(CInt)
}

/// What may be said beside updates for open tasks: a burst, and so many messages a second after that. Each client has an
/// allowance, and each party has one for all clients that it speaks for, so ever new names gain it nothing. Who works as it
/// should stays far below; what is sent beyond it is not handled and not logged, so nobody fills the disk or keeps the
/// aggregator busy by heartbeats and hellos without end.
package struct MessageAllowance: Sendable {
    /// ZeroMQ lets 1,000 messages wait for an aggregator that is away; they all come when it is back.
    package static let burst = 1200.0
    private static let eachSecond = 32.0
    /// In the time of a heartbeat.
    private static let eachHeartbeat = 4.0
    /// A worker may host all clients of the run, and each says hello when the aggregator starts and may have to say so again.
    private static let burstOfEach = 4.0
    /// In the time of a heartbeat, where each of them has something to say.
    private static let eachHeartbeatOfEach = 1.0

    private var clients: Accounts<ClientID>
    private var parties: Accounts<Party>

    package init(_ configuration: FederationConfiguration) {
        self.init(heartbeat: configuration.heartbeat, mostClients: configuration.maximumClients)
    }

    /// - Parameters:
    ///   - heartbeat: how often clients show a sign of life.
    ///   - mostClients: that the run may have.
    package init(heartbeat: Duration, mostClients: Int) {
        let beats = 1 / max(0.001, heartbeat / .seconds(1))
        let perSecond = Self.eachSecond + Self.eachHeartbeat * beats
        clients = Accounts(burst: Self.burst, perSecond: perSecond)
        parties = Accounts(
            burst: Self.burst + Self.burstOfEach * Double(mostClients),
            perSecond: perSecond + Self.eachHeartbeatOfEach * Double(mostClients) * beats)
    }

    /// Counts a message.
    /// - Parameters:
    ///   - senders: the clients that it is from. It counts once for each.
    ///   - weight: how often it counts for its party, at least once: as often as it says more than that a client is alive.
    ///   - party: nil for who has no limit beside those of its clients.
    /// - Returns: whose allowance does not have room for it; nil where it is admitted.
    package mutating func excess(
        of senders: [ClientID], weighing weight: Int = 1, from party: Party? = nil, at time: Timestamp
    ) -> Excess? {
        if let party, let client = senders.first, !parties.admits(party, weight: Double(max(1, weight)), at: time) {
            return Excess(client: client, isOfParty: true)
        }
        return senders.first { !clients.admits($0, at: time) }.map { Excess(client: $0, isOfParty: false) }
    }

    /// Clients and parties that are remembered.
    package var count: Int { clients.count + parties.count }

    /// How many of them were looked at so far to find those that need not be remembered.
    package var inspections: Int { clients.inspections + parties.inspections }
}

/// What is left to each of many speakers.
private struct Accounts<Speaker: Hashable & Sendable>: Sendable {
    /// What an account holds at most, and gains.
    private struct Rate: Sendable {
        let burst: Double
        let perSecond: Double

        func level(of account: Account, at time: Timestamp) -> Double {
            let passed = max(0, (time - account.time) / .seconds(1))
            return min(burst, account.level + perSecond * passed)
        }
    }

    private struct Account: Sendable {
        var level: Double
        var time: Timestamp
    }

    private let rate: Rate
    /// Those that could say everything again need not be remembered.
    private var accounts = ForgettingTable<Speaker, Account>(capacity: 20_000)

    init(burst: Double, perSecond: Double) {
        rate = Rate(burst: burst, perSecond: perSecond)
    }

    var count: Int { accounts.count }
    var inspections: Int { accounts.inspections }

    mutating func admits(_ speaker: Speaker, weight: Double = 1, at time: Timestamp) -> Bool {
        accounts.forget { [rate] in rate.level(of: $0, at: time) >= rate.burst }
        var account = accounts[speaker] ?? Account(level: rate.burst, time: time)
        account.level = rate.level(of: account, at: time)
        account.time = max(account.time, time)
        defer { accounts[speaker] = account }
        guard account.level >= weight else { return false }
        account.level -= weight
        return true
    }
}

/// More is said than may be; the message is dropped.
package struct Excess: Error, CustomStringConvertible {
    /// In whose name it came.
    package let client: ClientID
    /// Whether its party has no room left for any of its clients.
    package let isOfParty: Bool

    package var description: String {
        isOfParty
            ? "who sends for \(client) sends more messages than its clients may together"
            : "\(client) sends more messages than a client may"
    }
}
