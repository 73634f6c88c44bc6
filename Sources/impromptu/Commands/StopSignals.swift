import Console
import Foundation

/// Calls `stop` at the first Ctrl-C or SIGTERM, while it is kept. A second Ctrl-C ends the process at once.
final class StopSignals: Sendable {
    private nonisolated(unsafe) let sources: [any DispatchSourceSignal]

    init(stop: @escaping @Sendable () -> Void) {
        // One queue: the count has one user.
        let queue = DispatchQueue(label: "stop signals")
        nonisolated(unsafe) var isStopping = false
        sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                if isStopping {
                    guard number == SIGINT else { return }
                    StandardError.flush(within: .milliseconds(100))
                    _exit(130)
                }
                isStopping = true
                let again = number == SIGINT ? "; Ctrl-C again ends at once" : ""
                StandardError.write("impromptu: stopping\(again)\n")
                stop()
            }
            source.resume()
            return source
        }
    }

    deinit { for source in sources { source.cancel() } }
}
