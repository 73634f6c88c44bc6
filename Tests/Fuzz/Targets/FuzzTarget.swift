import FaultSimulation

/// What hostile bytes are tried on. A target takes any bytes; where something does not hold that should, it traps: libFuzzer
/// reports it with the bytes, and a test run ends there with what was violated.
package enum FuzzTarget: String, CaseIterable, Sendable {
    /// The codecs of clients' and the aggregator's messages, of topics and of the log's records.
    case wire
    /// The MCAP reader and writer, on bytes as a file, on damage to a good file, and on hostile chunks whose checksums fit.
    case log
    /// Records of a run, each whole, in any order: replay.
    case replay
    case safetensors
    case configuration
    /// Readers of image data sets.
    case datasets
    /// The kernels in C, on rows of any size.
    case kernels
    /// The aggregator, fed frames, timers and crashes.
    case aggregator

    package func run(_ bytes: UnsafeRawBufferPointer) {
        switch self {
        case .wire: tryWire(bytes)
        case .log: tryLog(bytes)
        case .replay: tryReplay(bytes)
        case .safetensors: trySafetensors(bytes)
        case .configuration: tryConfiguration(bytes)
        case .datasets: tryDatasets(bytes)
        case .kernels: tryKernels(bytes)
        case .aggregator: tryAggregator(bytes)
        }
    }
}

/// What must hold did not.
func violated(_ what: String) -> Never { fatalError("violated: \(what)") }

private func tryAggregator(_ bytes: UnsafeRawBufferPointer) {
    do { _ = try FrameTrial.run(bytes) } catch { violated("\(error)") }
}
