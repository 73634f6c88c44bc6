import PromptAggregation
import Testing

/// The table by client against a dictionary that is sorted when it is looked at.
@Suite struct ClientTableTests {
    @Test(arguments: 1...5)
    func isASortedDictionary(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var table = ClientTable<Int>()
        var twin: [ClientID: Int] = [:]
        for step in 0..<400 {
            let client = ClientID("client-\(random.next() % 30)")
            let value = random.next() % 3 == 0 ? nil : step
            table[client] = value
            twin[client] = value
            if step % 50 == 49 {
                table.removeAll { $0 % 7 == 0 }
                twin = twin.filter { $0.value % 7 != 0 }
            }
            let sorted = twin.sorted { $0.key < $1.key }
            #expect(table.map(\.client) == sorted.map(\.key) && table.map(\.value) == sorted.map(\.value))
            #expect(table[client] == twin[client])
            #expect(table.place(of: client) == sorted.firstIndex { $0.key == client })
        }
    }

    @Test func isReadAsItWasWrittenAndOnlyInOrder() throws {
        var table = ClientTable<Int>()
        for name in ["b", "a", "c"] { table[ClientID(name)] = name.count }
        func restored(_ write: (inout SnapshotWriter) -> Void) throws -> ClientTable<Int> {
            var writer = SnapshotWriter()
            write(&writer)
            var reader = try SnapshotReader(writer.finish())
            return try ClientTable(from: &reader) { reader throws(SnapshotError) in try reader.integer() }
        }
        #expect(try restored { table.write(to: &$0) { $0.write($1) } } == table)
        let error = #expect(throws: SnapshotError.self) {
            _ = try restored { writer in
                writer.write(["b", "a"]) { writer, name in
                    writer.write(name)
                    writer.write(1)
                }
            }
        }
        #expect("\(error!)".contains("client at byte 50: expected one that follows 'b', found 'a'"))
    }
}
