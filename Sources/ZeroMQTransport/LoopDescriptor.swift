/// A file descriptor that a poll loop watches: its handler is called whenever something can be read from it. Whoever
/// opened it closes it, after `cancel`.
public final class LoopDescriptor: @unchecked Sendable {
    // Used on the loop's thread only.
    let descriptor: CInt
    var handler: (@Sendable () -> Void)?
    private let loop: PollLoop

    init(_ descriptor: CInt, loop: PollLoop, handler: @escaping @Sendable () -> Void) {
        self.descriptor = descriptor
        self.loop = loop
        self.handler = handler
    }

    /// Ends the watch: at once on the loop's thread, else as soon as the loop comes to it.
    public func cancel() { loop.unwatch(self) }
}
