import Federation
import PromptAggregation
import PromptWire
import Testing

/// Damaged messages either throw or decode to something that encodes; nothing traps.
@Suite struct MutationTests {
    @Test(arguments: 0..<8) func damagedMessagesNeverTrap(_ seed: Int) throws {
        var messages = RandomMessages(seed: UInt64(100 + seed))
        var decoded = 0
        var refused = 0
        for _ in 0..<1_500 {
            var bytes =
                Bool.random(using: &messages.random)
                ? ClientCodec.encode(messages.clientMessage())
                : AggregatorCodec.encode(messages.aggregatorMessage(), from: Origin(run: 5, epoch: 1))
            for _ in 0..<Int.random(in: 1...2, using: &messages.random) { damage(&bytes, &messages.random) }
            do {
                let message = try ClientCodec.decode(bytes)
                #expect(
                    try ClientCodec.encode(ClientCodec.decode(ClientCodec.encode(message)))
                        == ClientCodec.encode(message))
                decoded += 1
            } catch { refused += 1 }
            do {
                let message = try AggregatorCodec.decode(bytes).message
                #expect(!AggregatorCodec.encode(message, from: Origin(run: 5, epoch: 1)).isEmpty)
                decoded += 1
            } catch { refused += 1 }
            for channel in LogChannel.allCases { _ = try? LogCodec.decode(bytes, on: channel) }
        }
        // Both ways out are taken, or the damage is too small or too large to test anything.
        #expect(decoded > 100)
        #expect(refused > 100)
    }

    private func damage(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
        guard !bytes.isEmpty else {
            bytes.append(.random(in: 0...255, using: &random))
            return
        }
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<7, using: &random) {
        case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: bytes[place] = .random(in: 0...255, using: &random)
        case 2: bytes.removeSubrange(place...)
        case 3: bytes.insert(.random(in: 0...255, using: &random), at: place)
        case 4: bytes.remove(at: place)
        case 5: bytes[place] = [0, 1, 0x7f, 0x80, 0xff].randomElement(using: &random)!
        default:
            let end = min(bytes.count, place + Int.random(in: 1...40, using: &random))
            bytes.insert(contentsOf: bytes[place..<end], at: Int.random(in: 0...bytes.count, using: &random))
        }
    }
}
