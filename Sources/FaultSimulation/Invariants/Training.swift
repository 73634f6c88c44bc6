import Federation
import PromptAggregation
import RunLog

/// One training in a simulation and what it began with. Its number travels in the update's metrics, so that an update is
/// known by its making whatever the protocol calls it.
package struct Training {
    var number: Int
    var client: ClientID
    var base: Version
    var digest: Digest

    private static let metric = "training"

    var metrics: [Metric] { [Metric(name: Self.metric, value: Double(number))] }

    /// The number of the training that an update comes from, nil for one of another make.
    static func number(in metrics: [Metric]) -> Int? {
        metrics.first { $0.name == metric }.flatMap { Int(exactly: $0.value) }
    }
}
