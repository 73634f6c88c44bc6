import ArgumentParser
import Dashboard
import FederationRun
import FederationService
import Logging

/// How a service logs, and where it shows that it is alive.
struct ServiceOptions: ParsableArguments {
    enum Format: String, ExpressibleByArgument, CaseIterable { case auto, text, journal, json }

    @Option(
        help: ArgumentHelp(
            "How to log to standard error; auto is journal under systemd and text elsewhere.", valueName: "format"))
    var logFormat = Format.auto

    @Option(
        help: ArgumentHelp(
            """
            The lowest level that is logged: \(levels); by default info, with --verbose debug.
            """, valueName: "level"),
        transform: ServiceOptions.level(named:))
    var logLevel: Logger.Level?

    @OptionGroup var verbose: VerboseOption

    @Option(
        help: ArgumentHelp(
            "A file that the service rewrites every few seconds while it is alive; 'impromptu status --health <file>' reads it.",
            valueName: "file"), completion: .file())
    var health: String?

    var healthFile: HealthFile? { health.map(HealthFile.init(path:)) }

    private static let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")

    private static func level(named name: String) throws -> Logger.Level {
        guard let level = Logger.Level(rawValue: name) else {
            throw ValidationError("--log-level: expected one of \(levels), found '\(name)'")
        }
        return level
    }

    /// Logs to standard error, and to where the last lines are kept.
    func logger(_ name: String, keptIn lines: RecentLines? = nil) -> Logger {
        var logger = Logger(label: name) { label in
            let handler = handler(label)
            return lines.map { MultiplexLogHandler([handler, $0.handler()]) } ?? handler
        }
        logger.logLevel = logLevel ?? (verbose.isVerbose ? .debug : .info)
        return logger
    }

    private func handler(_ label: String) -> any LogHandler {
        LineLogHandler(label: label, format: LogFormat(rawValue: logFormat.rawValue) ?? .fitting())
    }
}
