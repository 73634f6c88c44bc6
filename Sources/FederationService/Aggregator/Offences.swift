import RunLog
import Synchronization

/// Counts what parties send that comes to nothing, and finds those that send too much of it, so that nobody keeps the
/// aggregator from serving others.
package final class Offences: Sendable {
    private struct Account {
        /// What was sent and is not yet forgotten.
        var level: Double
        var time: ContinuousClock.Instant
        var lockedOutUntil: ContinuousClock.Instant?

        func level(at now: ContinuousClock.Instant) -> Double {
            max(0, level - Offences.forgotten * ((now - time) / .seconds(1)))
        }

        func isForgotten(at now: ContinuousClock.Instant) -> Bool {
            level(at: now) == 0 && lockedOutUntil.map { $0 <= now } ?? true
        }
    }

    /// How much of it is too much. A party with a fault gets an answer long before.
    private static let most = 64.0
    /// So much of it is forgotten each second.
    private static let forgotten = 6.4
    /// A message counts once, and once more for each of these.
    private static let bytesEach = 1 << 20
    /// How long a key is not let in.
    package static let sentence: Duration = .seconds(60)
    /// Parties that have been good for a while need not be remembered.
    private let accounts = Mutex(ForgettingTable<Party, Account>(capacity: 10_000))

    package init() {}

    /// Notes a message that came to nothing.
    /// - Returns: whether the party has now sent too much. A key is locked out from here on.
    package func note(_ party: Party, bytes: Int, at now: ContinuousClock.Instant) -> Bool {
        accounts.withLock { accounts in
            accounts.forget { $0.isForgotten(at: now) }
            var account = accounts[party] ?? Account(level: 0, time: now)
            account.level = account.level(at: now) + 1 + Double(bytes / Self.bytesEach)
            account.time = now
            let isTooMuch = account.level > Self.most
            if isTooMuch { account.level = 0 }
            // The next connection may have the same descriptor.
            if isTooMuch, case .key = party { account.lockedOutUntil = now + Self.sentence }
            accounts[party] = account
            return isTooMuch
        }
    }

    /// Parties that are remembered.
    package var count: Int { accounts.withLock { $0.count } }

    /// How many of them were looked at so far to find those that need not be remembered.
    package var inspections: Int { accounts.withLock { $0.inspections } }

    package func isLockedOut(_ party: Party, at now: ContinuousClock.Instant) -> Bool {
        accounts.withLock { now < ($0[party]?.lockedOutUntil ?? now) }
    }
}
