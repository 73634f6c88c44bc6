import FederationRuntime

/// What hostile bytes are tried on. A target takes any bytes; where something does not hold that should, it traps, which
/// libFuzzer reports with the bytes, and a test with the name of the seed.
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
        case .aggregator: tryAggregator(bytes)
        }
    }
}

/// What must hold did not.
func violated(_ what: String) -> Never { fatalError("violated: \(what)") }

private func tryAggregator(_ bytes: UnsafeRawBufferPointer) {
    do { _ = try FrameTrial.run(bytes) } catch { violated("\(error)") }
}

/// Takes bytes apart from the front; behind their end there is nothing.
struct ByteSource {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: UnsafeRawBufferPointer) { rest = Array(bytes)[...] }

    var isEmpty: Bool { rest.isEmpty }
    mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

    /// Little-endian, of so many bytes.
    mutating func integer(_ size: Int) -> UInt64 {
        (0..<size).reduce(0) { $0 | UInt64(byte()) << (8 * UInt64($1)) }
    }

    /// At most so many.
    mutating func bytes(_ count: Int) -> [UInt8] {
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    mutating func remainder() -> [UInt8] { bytes(rest.count) }
}
