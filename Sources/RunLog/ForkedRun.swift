import PromptAggregation
import PromptWire

/// A run that this program cannot continue as it was: what comes out of its log is not what was logged.
package struct ForkedRun: Error, CustomStringConvertible {
    package let description: String
    /// What the next start records where that is accepted; nil where only the algorithm is another, and no version shows it.
    let accepted: AcceptedFork?

    /// nil for a run that can be continued.
    init?(_ replay: Replay, path: String) {
        let running = Program.running
        if let difference = replay.difference {
            let publication = difference.publication
            accepted = AcceptedFork(
                version: publication.version, logged: publication.recorded.bytes,
                replayed: publication.replayed.bytes)
            description =
                "\(path): version \(publication.version) comes out as \(publication.replayed) from \(running.words),"
                + " but was logged as \(publication.recorded) by \(difference.logged.words); continue with that program, or say"
                + " --accept-fork to continue from what this one makes of the log"
            return
        }
        guard let last = replay.program ?? replay.header?.program, last.algorithm != running.algorithm
        else { return nil }
        accepted = nil
        description =
            "\(path): expected a run of algorithm \(running.algorithm), which \(running.words) has, found one that"
            + " \(last.words) wrote; continue with that program, or say --accept-fork to continue with this one"
    }
}
