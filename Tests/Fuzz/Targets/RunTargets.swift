import FaultSimulation
import PromptWire
import RunLog
import RunSettings

/// A configuration that is taken is whole: written out with its defaults it reads back as the same.
func tryConfiguration(_ bytes: UnsafeRawBufferPointer) {
    do {
        var layers = ConfigurationLayers()
        try layers.add(yaml: String(decoding: bytes, as: UTF8.self), name: "fuzz")
        let configuration = try RunConfiguration(layers)
        var again = ConfigurationLayers()
        try again.add(yaml: configuration.yaml, name: "again")
        if try RunConfiguration(again).yaml != configuration.yaml {
            violated("the whole configuration reads as another")
        }
    } catch { named(error, as: ConfigurationError.self) }
}

/// The first byte draws a federation; then come records of its log: a channel, a time, a length, the bytes.
func tryReplay(_ bytes: UnsafeRawBufferPointer) {
    var source = ByteSource(bytes)
    let seed = source.byte()
    var records: [FrameTrial.Record] = []
    while !source.isEmpty {
        let channel = LogChannel.allCases[Int(source.byte()) % LogChannel.allCases.count]
        let time = source.integer(Int(source.byte() % 9))
        let size = Int(source.integer(2))
        records.append(.init(channel: channel, time: time, bytes: source.bytes(size)))
    }
    do { try FrameTrial.replay(records, seed: seed) } catch { named(error, as: ReplayError.self) }
}
