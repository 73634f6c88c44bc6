/// One value for each client, ascending by client, so that whatever walks over it does so in one order everywhere.
package struct ClientTable<Value: Hashable & Sendable>: Hashable, Sendable {
    package struct Row: Hashable, Sendable {
        package let client: ClientID
        package var value: Value
    }

    private var rows: [Row] = []

    package init() {}

    /// The value of a client, nil when it has none; assigning nil removes it.
    package subscript(client: ClientID) -> Value? {
        get { place(of: client).map { rows[$0].value } }
        set {
            let place = lowerBound(of: client)
            let present = place < rows.count && rows[place].client == client
            switch (present, newValue) {
            case (true, let value?): rows[place].value = value
            case (true, nil): rows.remove(at: place)
            case (false, let value?): rows.insert(Row(client: client, value: value), at: place)
            case (false, nil): break
            }
        }
    }

    /// Where a client's row stands, nil when it has none.
    package func place(of client: ClientID) -> Int? {
        let place = lowerBound(of: client)
        return place < rows.count && rows[place].client == client ? place : nil
    }

    package mutating func removeAll(where isRemoved: (Value) -> Bool) { rows.removeAll { isRemoved($0.value) } }

    /// The place of the first row whose client is not below the one given.
    private func lowerBound(of client: ClientID) -> Int {
        var (low, high) = (0, rows.count)
        while low < high {
            let middle = (low + high) / 2
            if rows[middle].client < client { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension ClientTable: RandomAccessCollection {
    package var startIndex: Int { 0 }
    package var endIndex: Int { rows.count }

    package subscript(place: Int) -> Row {
        get { rows[place] }
        set { rows[place].value = newValue.value }
    }
}

extension ClientTable {
    package func write(to writer: inout SnapshotWriter, _ write: (inout SnapshotWriter, Value) -> Void) {
        writer.write(rows) { writer, row in
            writer.write(row.client.name)
            write(&writer, row.value)
        }
    }

    /// - Throws: `SnapshotError` when the bytes end, a value does not fit, or the clients do not ascend.
    package init(
        from reader: inout SnapshotReader, _ read: (inout SnapshotReader) throws(SnapshotError) -> Value
    ) throws(SnapshotError) {
        var last: ClientID?
        rows = try reader.list { reader throws(SnapshotError) in
            let client = ClientID(try reader.text())
            if let last, client <= last {
                throw reader.unexpected("client", "one that follows '\(last)'", "'\(client)'")
            }
            last = client
            return Row(client: client, value: try read(&reader))
        }
    }
}
