import Federation
import PromptWire

/// The first byte chooses the codec. What decodes must come back the same from a second round through it.
func tryWire(_ bytes: UnsafeRawBufferPointer) {
    guard let choice = bytes.first else { return }
    let rest = UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
    switch Int(choice) % (3 + LogChannel.allCases.count) {
    case 0: tryRoundTrip(rest, decode: { try ClientCodec.decode($0) }, encode: ClientCodec.encode)
    case 1:
        tryRoundTrip(
            rest, decode: { try AggregatorCodec.decode($0) },
            encode: { AggregatorCodec.encode($0.message, from: $0.origin) })
    case 2:
        guard let topic = try? Topic(bytes: rest) else { return }
        if topic.bytes != Array(rest) { violated("a topic reads back as \(topic.bytes)") }
    case let choice:
        let channel = LogChannel.allCases[choice - 3]
        tryRoundTrip(rest, decode: { try LogCodec.decode($0, on: channel) }, encode: encode)
    }
}

private func encode(_ record: LogRecord) -> [UInt8] {
    switch record {
    case .header(let header): LogCodec.encode(header)
    case .epoch(let start): LogCodec.encode(start)
    case .aggregated(let flush): LogCodec.encode(flush)
    case .drain(let request): LogCodec.encode(request)
    case .setting(let change): LogCodec.encode(change)
    case .received(let message): ClientCodec.encode(message)
    case .tick(let tick): LogCodec.encode(tick)
    case .publication(let publication): LogCodec.encode(publication)
    case .validation(let validation): LogCodec.encode(validation)
    case .checkpoint(let checkpoint): LogCodec.encode(checkpoint)
    case .segment(let segment): LogCodec.encode(segment)
    }
}

private func tryRoundTrip<Value>(
    _ bytes: UnsafeRawBufferPointer, decode: (UnsafeRawBufferPointer) throws -> Value, encode: (Value) -> [UInt8]
) {
    let value: Value
    do {
        value = try decode(bytes)
    } catch {
        guard let error = error as? WireError, !error.field.isEmpty, !error.problem.isEmpty else {
            violated("refused without a name: \(error)")
        }
        return
    }
    let encoded = encode(value)
    do {
        // Bytes are compared, as values may be NaN.
        let again = try encoded.withUnsafeBytes { encode(try decode($0)) }
        if again != encoded { violated("a second round gives other bytes") }
    } catch { violated("its own bytes are refused: \(error)") }
}
