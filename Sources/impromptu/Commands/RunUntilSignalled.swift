import Console
import Logging
import ServiceLifecycle
import UnixSignals

/// Runs a service until it ends by itself. Ctrl-C and SIGTERM stop it cleanly; a second Ctrl-C ends the program at once.
func runUntilSignalled(_ service: some Service, logger: Logger) async throws {
    var quiet = logger
    quiet.logLevel = .critical
    let group = ServiceGroup(
        configuration: .init(
            services: [
                .init(
                    service: service, successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .cancelGroup)
            ], logger: quiet))
    let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
    let stopping = Task {
        var isStopping = false
        for await signal in signals {
            if isStopping, signal == .sigint {
                Output.end("impromptu: ended before it had stopped cleanly\n", code: 130)
            }
            if signal == .sigint {
                StandardError.write("impromptu: stopping cleanly; Ctrl-C again ends at once\n")
            }
            isStopping = true
            await group.triggerGracefulShutdown()
        }
    }
    defer { stopping.cancel() }
    try await group.run()
}
