import Console
import Federation
import Text

extension ProgressLine {
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
}
