import Synchronization
import ZeroMQTransport

/// Reports connections with unknown keys: a few of them at once, and how many others there were, so that nobody can fill
/// a journal, and a newcomer is not lost behind a crowd.
package final class Strangers: Sendable {
    /// - Parameter passedOver: those before it that were not reported.
    package typealias Report = @Sendable (_ request: ConnectionRequest, _ passedOver: Int) -> Void

    private let thinning = Mutex(Thinning(burst: 5, interval: .seconds(60)))
    private let report: Report

    package init(report: @escaping Report) { self.report = report }

    package func note(_ request: ConnectionRequest) {
        if let passedOver = thinning.withLock({ $0.take(at: .now) }) { report(request, passedOver) }
    }
}

/// Lets a few of many events pass in each interval, and counts the rest.
package struct Thinning {
    private let burst: Int
    private let interval: Duration
    private var begin: ContinuousClock.Instant?
    private var passed = 0
    private var held = 0

    package init(burst: Int, interval: Duration) {
        self.burst = burst
        self.interval = interval
    }

    /// - Returns: how many were held back since the last that passed; nil where this one is held back.
    package mutating func take(at now: ContinuousClock.Instant) -> Int? {
        if begin.map({ now - $0 >= interval }) ?? true { (begin, passed) = (now, 0) }
        guard passed < burst else {
            held += 1
            return nil
        }
        passed += 1
        defer { held = 0 }
        return held
    }
}
