/// A chunk that is complete and not yet in the file. It is passed from thread to thread; one uses it at a time.
package final class SealedChunk: @unchecked Sendable {
    private var chunk: OpenChunk
    private let file: any LogStorage
    private let offset: UInt64
    /// Why it could not be stored.
    private(set) var failure: LogError?

    init(_ chunk: OpenChunk, of file: any LogStorage, at offset: UInt64) {
        self.chunk = chunk
        self.file = file
        self.offset = offset
    }

    /// Writes it and returns once it is on disk or has failed; `LogWriter.finish` reports which.
    package func store() {
        do throws(LogError) {
            let bytes = chunk.bytes
            try file.write(bytes.span.bytes, at: offset)
            try file.synchronize()
        } catch {
            failure = error
        }
    }

    /// Its memory, for another chunk.
    func recycle() -> OpenChunk {
        var memory = OpenChunk()
        swap(&memory, &chunk)
        memory.removeAll()
        return memory
    }
}
