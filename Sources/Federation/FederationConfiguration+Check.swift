import PromptAggregation

/// What a configuration or an initial state cannot be: the setting, what was expected, what was found.
public struct FederationError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}

extension FederationConfiguration {
    /// The largest count, and the largest version, that is sent or kept anywhere.
    public static let largestCount = 1 << 40
    /// The longest of any interval: about 30 years.
    static let longest: Duration = .seconds(1_000_000_000)

    /// - Throws: `FederationError` naming the first setting that no run can continue with.
    public func check() throws(FederationError) {
        try Self.check("concurrency", concurrency, 0...Self.largestCount)
        try Self.check("maximumStaleness", maximumStaleness, 0...1_000_000)
        try Self.check("maximumClients", maximumClients, 1...10_000_000)
        try Self.check("clientsToStart", clientsToStart, 0...maximumClients)
        try Self.check("failuresAllowed", failuresAllowed, 0...Self.largestCount)
        try Self.check("evaluateEvery", evaluateEvery, 0...Self.largestCount)
        try Self.check("stop.versions", stop.versions, 0...Self.largestCount)
        try Self.check("stop.updates", stop.updates, 0...Self.largestCount)
        try Self.check("checks.maximumSampleCount", checks.maximumSampleCount, 0...Self.largestCount)
        try Self.check("checks.quarantineAfter", checks.quarantineAfter, 0...Self.largestCount)
        guard checks.maximumNorm.isFinite, checks.maximumNorm >= 0 else {
            throw FederationError(
                "checks.maximumNorm: expected a finite number of at least 0, found \(checks.maximumNorm)")
        }
        try Self.check("lease", lease)
        try Self.check("heartbeat", heartbeat)
        try Self.check("beacon", beacon)
        if let duration = stop.duration { try Self.check("stop.duration", duration) }
        try check(mode)
    }

    private func check(_ mode: Mode) throws(FederationError) {
        switch mode {
        case .continuous: break
        case .buffered(let buffered):
            try Self.check("mode.size", buffered.size, 1...Self.largestCount)
            if let flushAfter = buffered.flushAfter { try Self.check("mode.flushAfter", flushAfter) }
        case .synchronous(let round):
            try Self.check("mode.cohort", round.cohort, 1...Self.largestCount)
            try Self.check("mode.quorum", round.quorum, 1...round.cohort)
            try Self.check("mode.deadline", round.deadline)
            guard (0...1000).contains(round.overSelection) else {
                throw FederationError("mode.overSelection: expected 0 to 1000, found \(round.overSelection)")
            }
        }
    }

    /// - Throws: `FederationError` for a state that no message can hold, or whose updates no message can hold.
    func check(_ state: PromptState) throws(FederationError) {
        try Self.check("prompts in the pool", state.promptIDs.count, 0...TravelLimits.prompts)
        try Self.check("tensors of the state", state.parameters.entries.count, 1...TravelLimits.tensors)
        let most = plan.controlVariates ? TravelLimits.stateBytes / 2 : TravelLimits.stateBytes
        try Self.check("bytes of the state", state.parameters.byteCount, 0...most)
    }

    private static func check(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws(FederationError) {
        guard range.contains(value) else {
            throw FederationError("\(name): expected \(range.lowerBound) to \(range.upperBound), found \(value)")
        }
    }

    private static func check(_ name: String, _ value: Duration) throws(FederationError) {
        guard value > .zero, value <= longest else {
            throw FederationError("\(name): expected more than 0 and at most \(longest), found \(value)")
        }
    }
}
