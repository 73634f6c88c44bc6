import CoreMetrics
import Dashboard
import Testing

/// Prometheus' text format, and swift-metrics' kinds of metrics in it.
@Suite struct MetricsTests {
    @Test func eachKindHasItsTypeAndItsHelp() {
        let registry = PrometheusRegistry()
        registry.describe("jobs_total", "Jobs\\done,\nby kind.")
        registry.describe("size", "Sizes.", buckets: [1, 2.5, 10])
        let counter = Counter(label: "jobs_total", dimensions: [("kind", "a")], factory: registry)
        counter.increment(by: 2)
        Counter(label: "jobs_total", dimensions: [("kind", "a")], factory: registry).increment()
        counter.increment(by: -5)
        Meter(label: "level", factory: registry).set(1.5)
        Meter(label: "level", factory: registry).decrement(by: 2)
        Gauge(label: "plain.gauge", factory: registry).record(7)
        let sizes = Recorder(label: "size", factory: registry)
        for size in [0.5, 1, 2, 3, 100, .nan] { sizes.record(size) }
        #expect(
            registry.text == """
                # HELP jobs_total Jobs\\\\done,\\nby kind.
                # TYPE jobs_total counter
                jobs_total{kind="a"} 3
                # TYPE level gauge
                level -0.5
                # TYPE plain_gauge gauge
                plain_gauge 7
                # HELP size Sizes.
                # TYPE size histogram
                size_bucket{le="1"} 2
                size_bucket{le="2.5"} 3
                size_bucket{le="10"} 4
                size_bucket{le="+Inf"} 5
                size_sum 106.5
                size_count 5

                """)
    }

    @Test func aTimerIsAHistogramOfSeconds() {
        let registry = PrometheusRegistry()
        Timer(label: "commit_seconds", factory: registry).recordMilliseconds(20)
        let text = registry.text
        #expect(text.contains("# TYPE commit_seconds histogram\n"))
        #expect(text.contains("commit_seconds_bucket{le=\"0.01\"} 0\ncommit_seconds_bucket{le=\"0.03\"} 1\n"))
        #expect(text.contains("commit_seconds_sum 0.02\ncommit_seconds_count 1\n"))
    }

    @Test func labelsAreEscapedAndNamesMadeLegal() {
        let registry = PrometheusRegistry()
        Meter(
            label: "9 lives/second", dimensions: [("z", "<script>\"\\\n"), ("1st", "ü"), ("le", "x"), ("z", "twice")],
            factory: registry
        ).set(1)
        let name = "_9_lives_second"
        #expect(
            registry.text
                == "# TYPE \(name) gauge\n\(name){_1st=\"ü\",le_=\"x\",z=\"<script>\\\"\\\\\\n\"} 1\n")
    }

    @Test func aNameKeepsItsFirstTypeAndValuesThatAreNoNumbersAreSpelled() {
        let registry = PrometheusRegistry()
        Counter(label: "a", factory: registry).increment()
        Meter(label: "a", factory: registry).set(5)
        Recorder(label: "a", factory: registry).record(5)
        #expect(registry.text == "# TYPE a counter\na 1\n")
        let meter = Meter(label: "b", factory: registry)
        for (value, word) in [(Double.nan, "NaN"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (1e300, "1e+300")] {
            meter.set(value)
            #expect(registry.text.hasSuffix("\nb \(word)\n"))
        }
        meter.destroy()
        #expect(registry.text == "# TYPE a counter\na 1\n")
    }

    @Test func countersGrowByWhatIsNewAndARecoveredRunBeginsWhereItStands() throws {
        var run = WatchedRun()
        run.hello("a")
        run.hello("b")
        run.hello("c")
        run.update(from: "a", base: 0)
        run.update(from: "b", base: 0)
        let first = RunMetrics()
        first.observe(run.figures, streams: 2)
        first.observe(run.figures, streams: 2)
        run.update(from: "c", base: 0)
        run.update(from: "a", base: 1)
        first.observe(run.figures, streams: 0)
        let recovered = RunMetrics()
        recovered.observe(run.figures, streams: 0)
        #expect(first.registry.text == recovered.registry.text)
        let lines = first.registry.text.split(separator: "\n")
        for line in [
            "impromptu_updates_total{fate=\"accepted\"} 4", "impromptu_updates_used_late_total 1",
            "impromptu_version 2",
            "impromptu_clients{presence=\"alive\"} 3", "impromptu_update_staleness_versions_bucket{le=\"0\"} 3",
            "impromptu_update_staleness_versions_count 4", "impromptu_update_staleness_versions_sum 1",
            "impromptu_flush_updates_count 2",
        ] { #expect(lines.contains { $0 == line }, "\(line) in\n\(first.registry.text)") }
        for line in lines where line.hasPrefix("# TYPE") {
            let name = line.split(separator: " ")[2]
            #expect(lines.contains { $0.hasPrefix("# HELP \(name) ") }, "help for \(name)")
        }
    }
}
