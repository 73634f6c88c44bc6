import Federation
import Files
import Foundation
import PromptAggregation
import Synchronization
import Text

/// Makes a client's updates private, and keeps account of what they cost together.
///
/// The account is on the disk before an update leaves the guard, so that no crash makes a client forget what it has given
/// away; one that dies in between has paid for an update that nobody got.
package final class PrivacyGuard: Sendable {
    private struct Account {
        /// The run that it is of, nil before the first.
        var run: UInt64?
        var updates = 0
        var rho = 0.0
        var random: any RandomNumberGenerator & Sendable
    }

    private let privacy: ClientPrivacy
    /// Where the account of a run is kept; nil keeps it in memory.
    private let file: (@Sendable (_ run: UInt64) -> String)?
    private let account: Mutex<Account>

    /// - Parameters:
    ///   - file: where the account of a run is kept.
    ///   - random: where the noise comes from. Whoever can foresee it can take it off again, so outside of simulations
    ///     nothing but the system's own generator will do, and no seed that the aggregator knows.
    package init(
        _ privacy: ClientPrivacy, file: (@Sendable (_ run: UInt64) -> String)?,
        random: any RandomNumberGenerator & Sendable
    ) {
        self.privacy = privacy
        self.file = file
        account = Mutex(Account(random: random))
    }

    /// Takes up the account of a run, with what earlier starts of the client gave away in it.
    /// - Throws: `PrivacyAccountError` where its file cannot be understood.
    package func enter(run: UInt64) throws {
        try account.withLock { account in
            guard account.run != run else { return }
            let path = file?(run)
            let known = try path.flatMap { FileManager.default.fileExists(atPath: $0) ? try Self.read($0) : nil }
            (account.updates, account.rho) = known ?? (0, 0)
            account.run = run
        }
    }

    /// The updates made so far.
    package var updates: Int { account.withLock { $0.updates } }
    /// What they cost together.
    package var epsilon: Double { account.withLock { privacy.epsilon(rho: $0.rho) } }

    /// Why the client may make no further update; nil while it may.
    package var refusal: String? {
        account.withLock { account in
            guard privacy.isSpent(rho: account.rho) else { return nil }
            return "its updates have cost epsilon \(decimal(privacy.epsilon(rho: account.rho), 3)), and one more would"
                + " exceed privacy.epsilon_budget \(privacy.budget ?? 0)"
        }
    }

    /// Pays for an update, clips it and gives it noise. The figures of its training are left out: they are made from
    /// its data and are not protected.
    /// - Throws: `PrivacyError`, `PrivacyAccountError` where the account cannot be kept; nothing may be sent then.
    package func protect(_ outcome: TrainingOutcome, base: PromptState) throws -> TrainingOutcome {
        try account.withLock { account in
            var random = account.random
            var result = outcome.result
            (result.parameters, result.promptIDs) = try privacy.protect(
                result.parameters, promptIDs: result.promptIDs, base: base, normal: { Self.normal(&random) })
            account.random = random
            account.updates += 1
            account.rho += privacy.rho
            try keep(account)
            result.sampleCount = privacy.sampleCount ?? result.sampleCount
            result.metrics = [Metric(name: "privacy.epsilon", value: privacy.epsilon(rho: account.rho))]
            return TrainingOutcome(result: result, personal: outcome.personal)
        }
    }

    /// Standard normal, by Box and Muller's transform.
    private static func normal(_ random: inout some RandomNumberGenerator) -> Double {
        let uniform = (0..<2).map { _ in Double(random.next() >> 11) * 0x1p-53 }
        return (-2 * log(1 - uniform[0])).squareRoot() * cos(2 * .pi * uniform[1])
    }

    // MARK: The account's file

    private func keep(_ account: Account) throws {
        guard let file = account.run.flatMap({ run in file?(run) }) else { return }
        do {
            try AtomicFile.replace(
                file, with: "updates \(account.updates)\nrho \(account.rho)\n".utf8, mode: 0o600, syncs: true)
        } catch {
            throw PrivacyAccountError(
                "\(file): cannot keep account of what updates give away, so none is sent: \(error.reason)")
        }
    }

    private static func read(_ file: String) throws -> (updates: Int, rho: Double) {
        let words = (try? String(contentsOfFile: file, encoding: .utf8))?.split(whereSeparator: \.isWhitespace) ?? []
        guard words.count == 4, words[0] == "updates", words[2] == "rho", let updates = Int(words[1]), updates >= 0,
            let rho = Double(words[3]), rho >= 0, rho.isFinite
        else {
            throw PrivacyAccountError(
                "\(file): expected 'updates <count>' and 'rho <sum>', what the client has given away so far; remove the"
                    + " file only if it has sent nothing")
        }
        return (updates, rho)
    }
}

/// Why the account of what a client gives away cannot be read or kept, naming the file.
public struct PrivacyAccountError: Error, CustomStringConvertible, Equatable {
    public let description: String
    public init(_ description: String) { self.description = description }
}
