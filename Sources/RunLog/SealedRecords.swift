import MessageLog
import PromptWire

/// Records on their way to the disk. Whoever stores them extends the chain by them first: no other part of the log takes as
/// long, and the thread that takes messages in is free meanwhile. They are passed from thread to thread; one uses them at a
/// time.
package final class SealedRecords: @unchecked Sendable {
    let chunk: SealedChunk
    private let channels: [ChannelID: RecordChain.Channel]
    private let checkpointChannel: ChannelID
    private var checkpoints: ArraySlice<Checkpoint>
    private let key: LogKey?
    /// Over the records before these, and once they are stored over these too.
    private(set) var chain: RecordChain

    /// - Parameters:
    ///   - chain: over the records before.
    ///   - checkpoints: their channel, and those among the records in their order, without chain and signature.
    ///   - key: signs those that have room for a signature.
    init(
        _ chunk: SealedChunk, behind chain: RecordChain, channels: [ChannelID: RecordChain.Channel],
        checkpoints: (channel: ChannelID, waiting: [Checkpoint]), key: LogKey?
    ) {
        self.chunk = chunk
        self.chain = chain
        self.channels = channels
        self.checkpoints = checkpoints.waiting[...]
        self.key = key
        checkpointChannel = checkpoints.channel
    }

    /// Returns once all is on disk or has failed; `RunLogWriter.finish` reports which.
    package func store() {
        chunk.withMessages { message in
            let place = channels[message.channel]!.place(logTime: message.logTime, publishTime: message.publishTime)
            if message.channel == checkpointChannel { fill(message.data, at: place) }
            chain.add(UnsafeRawBufferPointer(message.data), at: place)
        }
        chunk.store()
    }

    /// Writes the chain and the signature into a checkpoint. Both have as many bytes as the zeros that stand there.
    private func fill(_ data: UnsafeMutableRawBufferPointer, at place: [UInt8]) {
        var checkpoint = checkpoints.removeFirst()
        checkpoint.chain = chain.link
        if !checkpoint.signature.isEmpty, let key { checkpoint.signature = key.sign(checkpoint, at: place) }
        data.copyBytes(from: LogCodec.encode(checkpoint))
    }
}
