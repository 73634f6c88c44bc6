import CoreMetrics
import Synchronization

enum SampleType: String, Sendable { case counter, gauge, histogram }

/// The values of one metric under one set of labels.
protocol Sample: AnyObject, Sendable {
    static var type: SampleType { get }
    /// Its lines.
    func text(name: String, labels: String) -> String
}

/// A number that only grows.
final class Total: Sample, CounterHandler {
    static let type = SampleType.counter
    private let value = Mutex(0.0)

    func increment(by amount: Int64) { if amount > 0 { value.withLock { $0 += Double(amount) } } }
    func reset() { value.withLock { $0 = 0 } }

    func text(name: String, labels: String) -> String { PrometheusText.line(name, labels, value.withLock { $0 }) }
}

/// A number that goes up and down.
final class Level: Sample, MeterHandler, RecorderHandler {
    static let type = SampleType.gauge
    private let value = Mutex(0.0)

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { self.value.withLock { $0 = value } }
    func increment(by amount: Double) { value.withLock { $0 += amount } }
    func decrement(by amount: Double) { value.withLock { $0 -= amount } }
    func record(_ value: Int64) { set(value) }
    func record(_ value: Double) { set(value) }

    func text(name: String, labels: String) -> String { PrometheusText.line(name, labels, value.withLock { $0 }) }
}

/// How many of the values recorded were at most as large as each of its bounds.
final class Histogram: Sample, RecorderHandler, TimerHandler {
    private struct State {
        /// Of each bound alone, the last beyond all bounds.
        var counts: [Int]
        var sum = 0.0
    }

    static let type = SampleType.histogram
    private let bounds: [Double]
    private let state: Mutex<State>

    init(bounds: [Double]) {
        self.bounds = bounds
        state = Mutex(State(counts: Array(repeating: 0, count: bounds.count + 1)))
    }

    func record(_ value: Int64) { record(Double(value)) }

    /// A value that is no number belongs nowhere and is left out.
    func record(_ value: Double) {
        guard !value.isNaN else { return }
        let place = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock {
            $0.counts[place] += 1
            $0.sum += value
        }
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    func text(name: String, labels: String) -> String {
        let state = state.withLock { $0 }
        var total = 0
        var lines = ""
        for (bound, count) in zip(bounds + [.infinity], state.counts) {
            total += count
            lines += PrometheusText.line(
                name + "_bucket", labels, extra: "le=\"\(PrometheusText.number(bound))\"", Double(total))
        }
        return lines + PrometheusText.line(name + "_sum", labels, state.sum)
            + PrometheusText.line(name + "_count", labels, Double(total))
    }
}
