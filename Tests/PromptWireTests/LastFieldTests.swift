import PromptWire
import Testing

/// A message's last field, split off from the others.
@Suite struct LastFieldTests {
    private func split(_ message: [UInt8]) -> (before: [UInt8], content: [UInt8])? {
        message.withUnsafeBytes { bytes in
            LastField.split(bytes, 7).map { (Array($0.before), Array($0.content)) }
        }
    }

    /// Field 1 as a number, 5 as bytes; of field 7 the tag is 7 << 3 | 2.
    private let others: [UInt8] = [0x08, 0x96, 0x01, 0x2A, 0x03, 0x3A, 0x01, 0xFF]

    @Test(arguments: [1, 2, 127, 128, 70_000]) func isWhatHeadAnnounces(count: Int) throws {
        let content = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        for before in [others, []] {
            let parts = try #require(split(before + LastField.head(7, count) + content))
            #expect(parts.before == before && parts.content == content)
        }
    }

    /// As protobuf has it, the last of two counts; the first stays among the others.
    @Test func ofTwoItIsTheSecond() throws {
        let parts = try #require(split([0x3A, 0x02, 1, 2] + others + [0x3A, 0x01, 9]))
        #expect(parts.before == [0x3A, 0x02, 1, 2] + others && parts.content == [9])
    }

    /// protobuf-c decides about these.
    @Test(
        arguments: [
            [], [0x3A, 0x02, 1, 2, 0x08, 0x01],  // none, and another field behind it
            [0x3A, 0x03, 1, 2],  // longer than the message
            [0x3A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 1],  // 2⁶⁴ − 1 bytes
            [0x3A], [0xBA], [0x08, 0x80], [0x3A, 0x80],  // cut within a number
            [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],  // a number without end
            [0x0D, 1, 2, 3, 4, 0x3A, 0x01, 9], [0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0x3A, 0x01, 9],  // wire types 5 and 1
            [0x2A, 0x05, 0x3A, 0x01, 9],  // within a field that is cut
        ] as [[UInt8]]) func isNotSplitWhereItIsNotTheLast(message: [UInt8])
    { #expect(split(message) == nil) }
}
