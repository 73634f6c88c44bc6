import Federation
import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// Shows how a run goes: one line that is drawn over on a terminal, a line now and then elsewhere.
public struct ProgressLine {
    private let isTerminal: Bool
    private let interval: Duration
    private var lastPlain: ContinuousClock.Instant?
    private var drawn = false

    public init() {
        isTerminal = isatty(STDERR_FILENO) == 1
        interval = .seconds(5)
    }

    /// Shows a beacon's figures.
    /// - Parameter seconds: since the start.
    public mutating func show(_ beacon: AggregatorMessage.Beacon, seconds: Double) {
        func metric(_ name: String) -> Double? { beacon.metrics.first { $0.name == name }?.value }
        var parts = [
            "\(decimal(seconds, 0)) s", "updates \(beacon.updates) (\(beacon.lateUpdates) late)",
            "version \(beacon.version)",
        ]
        if let staleness = metric("staleness.mean") { parts.append("staleness \(decimal(staleness, 1))") }
        parts.append(metric("accuracy").map { "accuracy \(decimal($0 * 100, 1)) %" } ?? "accuracy -")
        parts += ["pool \(beacon.pool)", "clients \(beacon.clientsAlive)", "training \(beacon.inFlight)"]
        show(parts.joined(separator: "  "))
    }

    /// Shows a line in place of the last one.
    public mutating func show(_ line: String) {
        if isTerminal {
            write("\r\u{1b}[2K\(line)")
            drawn = true
        } else {
            let now = ContinuousClock.now
            if let lastPlain, now - lastPlain < interval { return }
            lastPlain = now
            write(line + "\n")
        }
    }

    /// Writes a line that stays.
    public mutating func note(_ line: String) {
        end()
        write(line + "\n")
    }

    /// Leaves the line that is being drawn over.
    public mutating func end() {
        if drawn { write("\n") }
        drawn = false
    }

    private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
