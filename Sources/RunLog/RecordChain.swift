import CSodium

/// The chain over a log's records. Each link is a BLAKE2b digest of the link before it and of one record, so the last link
/// stands for all records in their order: none of them can be changed, left out, moved or added without changing it.
package struct RecordChain: Hashable, Sendable {
    /// The records so far.
    package private(set) var records: UInt64
    /// 32 bytes; zeros before the first record.
    package private(set) var link: [UInt8]

    /// - Parameters:
    ///   - records: that it goes over already.
    ///   - link: what it has come to by then.
    package init(records: UInt64 = 0, link: [UInt8] = [UInt8](repeating: 0, count: 32)) {
        self.records = records
        self.link = link
    }

    /// A channel as its records are chained: the topic and the digest of the schema, so that nobody can have the bytes read
    /// as something else.
    package struct Channel: Sendable {
        private let topic: [UInt8]
        private let schema: [UInt8]

        package init(topic: String, schemaName: String, schemaData: [UInt8]) {
            self.topic = Array(topic.utf8) + [0]
            schema = RecordChain.digest { hash in
                hash.add(Array(schemaName.utf8) + [0])
                hash.add(schemaData)
            }
        }

        /// What a record of the channel says beside its data.
        package func place(logTime: UInt64, publishTime: UInt64) -> [UInt8] {
            schema + withUnsafeBytes(of: logTime.littleEndian, Array.init)
                + withUnsafeBytes(of: publishTime.littleEndian, Array.init) + topic
        }
    }

    /// Extends the chain by one record.
    /// - Parameter place: as `Channel.place` gives it.
    package mutating func add(_ data: UnsafeRawBufferPointer, at place: [UInt8]) {
        link = Self.digest { hash in
            hash.add(link)
            hash.add(place)
            hash.add(data)
        }
        records += 1
    }

    /// A digest of 32 bytes.
    private static func digest(_ fill: (Hash) -> Void) -> [UInt8] {
        withUnsafeTemporaryAllocation(byteCount: crypto_generichash_statebytes(), alignment: 64) { memory in
            let hash = Hash(state: OpaquePointer(memory.baseAddress!))
            crypto_generichash_init(hash.state, nil, 0, 32)
            fill(hash)
            var output = [UInt8](repeating: 0, count: 32)
            crypto_generichash_final(hash.state, &output, 32)
            return output
        }
    }

    /// A BLAKE2b digest under way.
    private struct Hash {
        let state: OpaquePointer

        func add(_ bytes: UnsafeRawBufferPointer) {
            crypto_generichash_update(state, bytes.bindMemory(to: UInt8.self).baseAddress, UInt64(bytes.count))
        }

        func add(_ bytes: [UInt8]) { bytes.withUnsafeBytes { add($0) } }
    }
}
