import CoreMetrics
import Federation
import FederationRun
import PromptAggregation
import RunLog
import Synchronization

/// A run's figures as metrics. Counters grow by what is new since the last look; a recovered run's begin where it stands.
package final class RunMetrics: Sendable {
    package let registry = PrometheusRegistry()
    private let seen = Mutex(Seen())

    /// What is already counted.
    private struct Seen {
        var totals: [String: Int] = [:]
        var staleness: [Int] = []
        var version: Version = 0
    }

    package init() {
        for (name, help) in Self.help { registry.describe(name, help) }
        registry.describe(
            "impromptu_update_staleness_versions", "Versions made between an update's start and its use.",
            buckets: [0, 1, 2, 3, 5, 8, 13, 21, 34])
        registry.describe(
            "impromptu_flush_updates", "Updates that made a version.",
            buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000])
        Meter(label: "impromptu_build_info", dimensions: [("version", buildVersion)], factory: registry).set(1)
    }

    /// Clients that get a series of their own.
    private static let mostClients = 200

    private static let help = [
        ("impromptu_build_info", "1; the label names the version of the program."),
        ("impromptu_updates_total", "Updates that came from clients, by what became of them."),
        ("impromptu_updates_used_late_total", "Accepted updates that were used with a staleness above 0."),
        (
            "impromptu_messages_total",
            "Messages from clients since this start of the aggregator, by what was wrong with them."
        ),
        ("impromptu_tasks_failed_total", "Tasks that came to nothing at their clients."),
        (
            "impromptu_sessions_fenced_total",
            "Sessions of clients that were asked to end, since another process speaks for the client."
        ),
        (
            "impromptu_clients_not_asked",
            "Clients that are alive and get no tasks, since their tasks failed or they have no samples."
        ),
        ("impromptu_received_bytes_total", "Bytes of messages from clients since this start of the aggregator."),
        ("impromptu_version", "The current version of the prompts."),
        ("impromptu_pool_prompts", "Prompts in the current version's pool."),
        ("impromptu_buffered_updates", "Updates that wait for the next flush."),
        ("impromptu_tasks_in_flight", "Tasks given out and not yet answered."),
        ("impromptu_clients", "Clients that ever took part, by presence."),
        ("impromptu_run_seconds", "Time since the run began."),
        ("impromptu_run_finished", "1 once the run has ended."),
        ("impromptu_since_flush_seconds", "Time since the last version was made."),
        ("impromptu_validation_accuracy_ratio", "Accuracy on the validation split, as last evaluated."),
        ("impromptu_validation_loss", "Loss on the validation split, as last evaluated."),
        ("impromptu_client_accuracy_ratio", "Accuracy on what a client holds out, as it said last."),
        (
            "impromptu_clients_accuracy_ratio",
            "Accuracy of the newest version that clients evaluated, on all that they hold out."
        ),
        ("impromptu_training_loss", "Mean loss that the clients of the last version reported."),
        ("impromptu_dashboard_streams", "Pages of the dashboard that are open."),
    ]

    package func observe(_ figures: LiveFigures, streams: Int) {
        seen.withLock { seen in
            countUpdates(figures, &seen)
            countTraffic(figures.traffic, &seen)
            recordHistograms(figures.history, &seen)
        }
        setLevels(figures)
        set("impromptu_dashboard_streams", Double(streams))
    }

    private func countUpdates(_ figures: LiveFigures, _ seen: inout Seen) {
        let counts = figures.counts
        for (fate, count) in [
            ("accepted", counts.accepted), ("duplicate", counts.duplicates), ("rejected", counts.rejected),
            ("discarded_late", counts.discardedLate),
        ] { raise("impromptu_updates_total", [("fate", fate)], to: count, &seen) }
        raise("impromptu_updates_used_late_total", [], to: counts.usedLate, &seen)
        raise("impromptu_tasks_failed_total", [], to: counts.failed, &seen)
        raise("impromptu_sessions_fenced_total", [], to: counts.fenced, &seen)
    }

    private func countTraffic(_ traffic: LiveFigures.Traffic, _ seen: inout Seen) {
        let sound =
            traffic.messages - traffic.malformed - traffic.impostures - traffic.turnedAway - traffic.excessive
        for (problem, count) in [
            ("none", sound), ("malformed", traffic.malformed), ("imposture", traffic.impostures),
            ("turned_away", traffic.turnedAway), ("excessive", traffic.excessive),
        ] {
            raise("impromptu_messages_total", [("problem", problem)], to: count, &seen)
        }
        raise("impromptu_received_bytes_total", [], to: traffic.bytes, &seen)
    }

    private func recordHistograms(_ history: RunHistory, _ seen: inout Seen) {
        let staleness = Recorder(label: "impromptu_update_staleness_versions", factory: registry)
        for (value, count) in history.stalenessCounts.enumerated() {
            if value == seen.staleness.count { seen.staleness.append(0) }
            for _ in seen.staleness[value]..<max(count, seen.staleness[value]) { staleness.record(value) }
            seen.staleness[value] = count
        }
        let flush = Recorder(label: "impromptu_flush_updates", factory: registry)
        let new = history.versions.reversed().prefix { $0.version > seen.version }
        for row in new.reversed() { flush.record(row.contributions) }
        seen.version = history.versions.last?.version ?? seen.version
    }

    private func setLevels(_ figures: LiveFigures) {
        set("impromptu_version", Double(figures.version))
        set("impromptu_pool_prompts", Double(figures.pool))
        set("impromptu_buffered_updates", Double(figures.buffered))
        set("impromptu_tasks_in_flight", Double(figures.counts.inFlight))
        set("impromptu_run_seconds", figures.seconds)
        set("impromptu_run_finished", figures.isFinished ? 1 : 0)
        for presence in [Presence.alive, .lost, .departed, .quarantined] {
            let count = figures.clients.count { $0.presence == presence }
            set("impromptu_clients", Double(count), [("presence", presence.rawValue)])
        }
        set(
            "impromptu_clients_not_asked",
            Double(figures.clients.count { $0.presence == .alive && !$0.isAsked }))
        if let flush = figures.history.versions.last {
            set("impromptu_since_flush_seconds", figures.seconds - flush.seconds)
            if let loss = flush.loss { set("impromptu_training_loss", loss) }
        }
        for (client, newest) in figures.history.clientEvaluations.prefix(Self.mostClients) {
            set("impromptu_client_accuracy_ratio", newest.accuracy, [("client", client.name)])
        }
        if let together = figures.history.federatedEvaluations.last {
            set("impromptu_clients_accuracy_ratio", together.accuracy)
        }
        if let evaluation = figures.history.evaluations.last {
            set("impromptu_validation_accuracy_ratio", evaluation.accuracy)
            set("impromptu_validation_loss", evaluation.loss)
        }
    }

    private func set(_ name: String, _ value: Double, _ labels: [(String, String)] = []) {
        Meter(label: name, dimensions: labels, factory: registry).set(value)
    }

    private func raise(_ name: String, _ labels: [(String, String)], to total: Int, _ seen: inout Seen) {
        let key = name + PrometheusText.labels(labels)
        Counter(label: name, dimensions: labels, factory: registry).increment(by: total - seen.totals[key, default: 0])
        seen.totals[key] = max(total, seen.totals[key, default: 0])
    }
}
