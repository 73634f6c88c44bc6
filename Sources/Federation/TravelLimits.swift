import PromptAggregation

/// What may travel: bounds of the wire that the core keeps to where things are made.
public enum TravelLimits {
    /// Rows of a pool.
    public static let prompts = PromptState.largestPool
    /// Tensors of a state.
    public static let tensors = 64
    /// Bytes of a message, whatever it says.
    public static let messageBytes = 64 << 20
    /// Bytes of a state's values as float32, so that a message holds it with its names and identities.
    public static let stateBytes = 60 << 20
    /// Bytes of a client's reason for a failed task.
    public static let reasonBytes = 1024

    /// Bytes of what a client may say in a run.
    ///
    /// An update holds at most a state's values and as many control variates, and all else that a client says fits into
    /// 4 MiB; the factor leaves room for a pool that grows.
    /// - Parameter largestState: bytes of the largest state that updates may start from, as float32.
    public static func clientMessageBytes(largestState: Int) -> Int {
        min(messageBytes, 4 * min(largestState, messageBytes) + 4 << 20)
    }
}

extension ClientMessage.Update {
    /// At least as many bytes as the update takes on the wire.
    var travelBytes: Int {
        let values = parameters.entries.reduce(0) { sum, entry in
            let isHalf = precision == .float16 && !Precision.isExact(entry.name)
            return sum + entry.tensor.values.count * (isHalf ? 2 : 4)
        }
        return values + 256 * (parameters.entries.count + metrics.count) + 16 * promptIDs.count + 1024
    }
}

extension Aggregator {
    /// Bytes as float32 of the largest state that updates may start from.
    package var largestState: Int { history.map(\.state.parameters.byteCount).max() ?? 0 }

    /// Bytes as float32 of the largest state that may ever be published.
    package var largestStateToCome: Int {
        let births = max(0, strategy.largestPool - strategy.state.promptIDs.count)
        return max(largestState, strategy.state.parameters.byteCount + 4 * births * strategy.state.width)
    }
}
