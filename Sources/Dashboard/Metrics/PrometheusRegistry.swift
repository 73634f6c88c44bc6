import CoreMetrics
import Synchronization

/// A backend of swift-metrics that keeps its values in memory and writes them in Prometheus' text format, version 0.0.4.
///
/// A counter is a `counter`; a meter and a recorder that does not aggregate are a `gauge`; a recorder that does is a
/// `histogram`, and so is a timer, in seconds. What is asked for under a name that already has another type is not shown.
package final class PrometheusRegistry: MetricsFactory {
    private struct Family {
        var type: SampleType
        /// By the labels' text.
        var samples: [String: any Sample] = [:]
    }
    private struct Description {
        var help: String
        var buckets: [Double]
    }
    private struct State {
        var families: [String: Family] = [:]
        var descriptions: [String: Description] = [:]
    }

    private let state = Mutex(State())

    /// Upper bounds of a histogram that names none: seconds, from a millisecond up.
    package static let usualBuckets = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30]

    package init() {}

    /// Describes a metric. Call it before the metric is made.
    /// - Parameter buckets: a histogram's upper bounds, ascending; the one without end is added.
    package func describe(_ name: String, _ help: String, buckets: [Double] = PrometheusRegistry.usualBuckets) {
        state.withLock { $0.descriptions[PrometheusText.name(name)] = Description(help: help, buckets: buckets) }
    }

    /// The sample of that name and labels, the same one each time; one that is not shown where the name has another type.
    private func sample<S: Sample>(
        _ label: String, _ dimensions: [(String, String)], _ make: ([Double]) -> S
    ) -> S {
        let name = PrometheusText.name(label)
        return state.withLock { state in
            let labels = PrometheusText.labels(dimensions)
            var family = state.families[name] ?? Family(type: S.type)
            if let known = family.samples[labels] as? S { return known }
            let new = make(state.descriptions[name]?.buckets ?? Self.usualBuckets)
            guard family.type == S.type else { return new }
            family.samples[labels] = new
            state.families[name] = family
            return new
        }
    }

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        sample(label, dimensions) { _ in Total() }
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        sample(label, dimensions) { _ in Level() }
    }

    package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        aggregate
            ? sample(label, dimensions) { Histogram(bounds: $0) as Histogram }
            : sample(label, dimensions) { _ in Level() as Level }
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        sample(label, dimensions) { Histogram(bounds: $0) }
    }

    package func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
    package func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
    package func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
    package func destroyTimer(_ handler: any TimerHandler) { remove(handler) }

    private func remove(_ handler: AnyObject) {
        state.withLock { state in
            for (name, family) in state.families {
                let kept = family.samples.filter { $0.value !== handler }
                state.families[name]?.samples = kept
                if kept.isEmpty { state.families[name] = nil }
            }
        }
    }

    /// Everything, ascending by name and labels.
    package var text: String {
        let (families, descriptions) = state.withLock { ($0.families, $0.descriptions) }
        return families.sorted { $0.key < $1.key }.map { name, family in
            let help = descriptions[name].map { "# HELP \(name) \(PrometheusText.help($0.help))\n" } ?? ""
            return help + "# TYPE \(name) \(family.type.rawValue)\n"
                + family.samples.sorted { $0.key < $1.key }.map { $1.text(name: name, labels: $0) }.joined()
        }.joined()
    }
}

/// The rules of the text format for names, labels and numbers.
enum PrometheusText {
    /// A metric's name: letters, digits, `_` and `:`, no digit first. Anything else becomes `_`.
    static func name(_ label: String) -> String { spelled(label, also: ":") }

    private static func spelled(_ text: String, also mark: Unicode.Scalar) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isLetter =
                ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_" || scalar == mark
            let isDigit = ("0"..."9").contains(scalar)
            if isDigit, result.isEmpty { result.append("_") }
            result.append(isLetter || isDigit ? scalar : "_")
        }
        return result.isEmpty ? "_" : String(result)
    }

    /// Labels as they stand between braces, ascending by name; empty for none. `le` belongs to histograms and becomes `le_`.
    static func labels(_ dimensions: [(String, String)]) -> String {
        let named = dimensions.map { name, value in
            let name = spelled(name, also: "_")
            return (name == "le" ? "le_" : name, value)
        }
        var seen: Set<String> = []
        return named.filter { seen.insert($0.0).inserted }.sorted { $0.0 < $1.0 }
            .map { "\($0)=\"\(value($1))\"" }.joined(separator: ",")
    }

    /// A label's value: backslash, quote and line end are escaped.
    static func value(_ text: String) -> String { help(text).replacing("\"", with: "\\\"") }

    /// Help: backslash and line end are escaped.
    static func help(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result.append(contentsOf: "\\\\".unicodeScalars)
            case "\n": result.append(contentsOf: "\\n".unicodeScalars)
            default: result.append(scalar)
            }
        }
        return String(result)
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return Int64(exactly: value).map { "\($0)" } ?? "\(value)"
    }

    /// One line. The extra label stands last.
    static func line(_ name: String, _ labels: String, extra: String = "", _ value: Double) -> String {
        let all = [labels, extra].filter { !$0.isEmpty }.joined(separator: ",")
        return "\(name)\(all.isEmpty ? "" : "{\(all)}") \(number(value))\n"
    }
}
