import PromptAggregation
import Testing

/// The bytes of snapshots that are made in parts, or compared without being made.
@Suite struct SnapshotBytesTests {
    static func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
        var random = SeededRandom(seed: 41, stream: seed)
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    /// FNV-1a over words of eight bytes, one word after the other.
    static func checksum(_ bytes: [UInt8]) -> UInt64 {
        let prime: UInt64 = 0x0000_0100_0000_01B3
        var sum: UInt64 = 0xCBF2_9CE4_8422_2325
        func word(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
        var rest = bytes[...]
        while rest.count >= 8 {
            sum = (sum ^ word(rest.prefix(8))) &* prime
            sum ^= sum >> 32
            rest = rest.dropFirst(8)
        }
        return (sum ^ word(rest) ^ UInt64(bytes.count)) &* prime
    }

    @Test func theChecksumIsThatOfAllPartsTogether() {
        for trial in 0..<500 {
            var random = SeededRandom(seed: 42, stream: UInt64(trial))
            let parts = (0..<Int(random.next() % 6)).map { _ in
                Self.bytes(Int(random.next() % 40), seed: random.next())
            }
            var sum = SnapshotChecksum()
            for part in parts { part.withUnsafeBytes { sum.take($0) } }
            #expect(sum.value == Self.checksum(parts.flatMap { $0 }))
        }
    }

    static func write(_ writer: inout SnapshotWriter, seed: UInt64) {
        writer.write("kind")
        writer.write([1.5, -2] as [Float])
        writer.write(bytes: bytes(13, seed: seed))
        writer.write(true)
    }

    /// With pieces below and above those that are handed over at once.
    @Test func whatIsHandedOverIsTheSnapshot() {
        for count in [0, 1, 8, 1001, 65_535, 65_536, 200_000] {
            func content(_ writer: inout SnapshotWriter) {
                Self.write(&writer, seed: 1)
                writer.write(bytes: Self.bytes(count, seed: 9))
                writer.write(snapshot: { inner in
                    inner.write((0..<count / 7).map(Double.init))
                    inner.write(snapshot: { Self.write(&$0, seed: 3) })
                })
                Self.write(&writer, seed: 2)
            }
            var whole = SnapshotWriter()
            content(&whole)
            let expected = whole.finish()
            var found: [UInt8] = []
            var writer = SnapshotWriter { found.append(contentsOf: $0) }
            content(&writer)
            #expect(writer.finish().isEmpty && found == expected)
            #expect(SnapshotWriter.count(of: content) == expected.count)
        }
    }

    /// A snapshot within another, also within a third, is the list of its bytes there.
    @Test func aSnapshotWithinAnotherIsTheListOfItsBytes() {
        func bytes(_ content: (inout SnapshotWriter) -> Void) -> [UInt8] {
            var writer = SnapshotWriter()
            content(&writer)
            return writer.finish()
        }
        func inner(_ writer: inout SnapshotWriter) { Self.write(&writer, seed: 3) }
        func middle(_ writer: inout SnapshotWriter) {
            writer.write("middle")
            writer.write(snapshot: inner)
            writer.write(7)
        }
        func outer(_ writer: inout SnapshotWriter) {
            writer.write(snapshot: middle)
            Self.write(&writer, seed: 4)
        }
        let whole = bytes { writer in
            writer.write(
                bytes: bytes {
                    $0.write("middle")
                    $0.write(bytes: bytes(inner))
                    $0.write(7)
                })
            Self.write(&writer, seed: 4)
        }
        #expect(bytes(outer) == whole && SnapshotWriter.count(of: outer) == whole.count)
        var comparison = SnapshotWriter(comparingWith: whole[...])
        outer(&comparison)
        #expect(comparison.isEqual())
    }

    /// Equal bytes are equal, and no byte may be another, missing or too many.
    @Test func aComparisonFindsEveryDifference() {
        var writer = SnapshotWriter()
        Self.write(&writer, seed: 1)
        let snapshot = writer.finish()
        func isEqual(_ bytes: ArraySlice<UInt8>, seed: UInt64 = 1) -> Bool {
            var writer = SnapshotWriter(comparingWith: bytes)
            Self.write(&writer, seed: seed)
            return writer.isEqual()
        }
        #expect(isEqual(snapshot[...]) && !isEqual(snapshot[...], seed: 2))
        // A slice whose first index is not 0.
        #expect(isEqual(([7] + snapshot)[1...]))
        for place in snapshot.indices {
            var other = snapshot
            other[place] ^= 0x10
            #expect(!isEqual(other[...]), "byte \(place)")
            #expect(!isEqual(snapshot[..<place]) && !isEqual((snapshot + snapshot[...place])[...]))
        }
    }

    /// A slice of a snapshot reads as the snapshot does.
    @Test func readsListsOfBytesWithoutACopy() throws {
        let list = Self.bytes(20, seed: 3)
        var writer = SnapshotWriter()
        writer.write("kind")
        writer.write(bytes: list)
        var reader = try SnapshotReader(([1, 2, 3] + writer.finish())[3...])
        try reader.expect("kind", "kind")
        #expect(try reader.byteSlice() == list[...])
        try reader.finish()
    }
}
