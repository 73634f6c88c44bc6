import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// The one way to standard error. Nobody waits for it: lines go through a bounded queue to a thread of their own.
/// What cannot be written (a closed descriptor, a full disk, a reader that has gone or stands still) is dropped and
/// counted, and the count is reported when writing works again.
///
/// The descriptor stays in blocking mode: it is shared with other processes, which O_NONBLOCK would surprise.
public enum StandardError {
    /// Queues a text, which ends with a newline unless it is to be drawn over.
    public static func write(_ text: String) { sink.write(text) }

    /// Words for the report of dropped texts, in the format of the lines around it.
    public static func reportLoss(as words: @escaping @Sendable (_ dropped: Int) -> String) {
        sink.reportLoss(as: words)
    }

    /// Waits until all is written, at most for `bound`.
    public static func flush(within bound: Duration = .milliseconds(500)) { sink.flush(within: bound) }

    private static let sink: DescriptorSink = {
        let sink = DescriptorSink(descriptor: STDERR_FILENO)
        // However the process ends, its last words are still in the queue then.
        atexit { StandardError.flush() }
        return sink
    }()
}
