/// A chunk that takes no further message and is not yet in the file. It is passed from thread to thread; one uses it at a time.
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

    /// A message of it.
    package struct Message {
        package let channel: ChannelID
        package let logTime: UInt64
        package let publishTime: UInt64
        /// May be overwritten until the chunk is stored.
        package let data: UnsafeMutableRawBufferPointer
    }

    /// Hands over the messages in their order, before the chunk is stored.
    package func withMessages(_ body: (Message) -> Void) { chunk.withMessages(body) }

    /// Completes and writes it, and returns once it is on disk or has failed; `LogWriter.finish` reports which.
    package func store() {
        do throws(LogError) {
            chunk.complete(at: offset)
            let bytes = chunk.bytes
            try file.write(bytes.span.bytes, at: offset)
            try file.synchronize()
        } catch {
            failure = error
        }
    }

    /// Adds it to what the log contains, once it is stored.
    func add(to contents: inout LogContents) { chunk.add(to: &contents) }

    /// Its memory, for another chunk.
    func recycle() -> OpenChunk {
        var memory = OpenChunk()
        swap(&memory, &chunk)
        memory.removeAll()
        return memory
    }
}
