import PromptWire
import Testing

/// Messages that would take more memory than they may.
@Suite struct OversizedTests {
    @Test func aMessageBeyondTheLimitIsRefusedBeforeItIsUnpacked() {
        var limits = WireLimits()
        limits.messageBytes = 10
        let bytes = [UInt8](repeating: 0xff, count: 11)
        #expect(
            refusal { () throws(WireError) in try ClientCodec.decode(bytes, limits: limits) }
                == "message: expected at most 10 bytes, found 11")
    }

    /// Fields of two bytes each, known ones and unknown ones, would take fifty times the message's size unpacked.
    @Test(arguments: [[UInt8](arrayLiteral: 0x3a, 0x00), [0x7a, 0x00]])
    func manySmallFieldsCannotTakeMuchMemory(_ field: [UInt8]) {
        let update = Fields().raw((0..<500_000).flatMap { _ in field })
        #expect(
            refusal { () throws(WireError) in
                try ClientCodec.decode(Fields().number(1, UInt64(2)).message(3, update).bytes)
            }
                == "message: holds more fields than its 1000006 bytes may be unpacked into")
    }
}
