import ArgumentParser
import Console
import FederationService
import Foundation
import PromptAggregation
import RunLog
import RunSettings

/// The command. A failure is one line on standard error and an exit code: 2 for a wrong command line or configuration,
/// 75 if no aggregator came in time, 1 for anything else.
@main
struct Impromptu {
    static func main() async {
        StandardStreams.prepare()
        do {
            try AggregationKernels.checkVariable()
            var command = try RootCommand.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            try StandardOutput.flush()
        } catch let error as ConfigurationError {
            fail("\(error)", code: 2)
        } catch let error as AggregationKernelsError {
            fail("\(error)", code: 2)
        } catch let error as AggregatorAway {
            fail("\(error)", code: 75)
        } catch let error where isFromParser(error) {
            if RootCommand.exitCode(for: error).isSuccess { showHelp(of: error) }
            fail(RootCommand.message(for: error), code: 2)
        } catch {
            fail("\(error)", code: 1)
        }
    }

    /// Whether the argument parser made the error: for help, or for a wrong command line.
    private static func isFromParser(_ error: any Error) -> Bool {
        error is ExitCode || error is ValidationError || error is CleanExit
            || RootCommand.exitCode(for: error) != .failure
    }

    /// Help that was asked for is a result too.
    private static func showHelp(of error: any Error) -> Never {
        do {
            let text = RootCommand.fullMessage(for: error)
            if !text.isEmpty { try StandardOutput.write(text) }
            try StandardOutput.flush()
        } catch {
            fail("\(error)", code: 1)
        }
        exit(0)
    }

    private static func fail(_ message: String, code: Int32) -> Never {
        // Results come first; if they cannot be written either, one line is enough.
        try? StandardOutput.flush()
        StandardError.write("impromptu: \(message)\n")
        exit(code)
    }
}

struct RootCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "impromptu",
        abstract: "Federated prompt tuning that does not wait for stragglers.",
        discussion: """
            Clients hold data that may not leave. Each tunes a few prompt vectors of one frozen vision transformer and \
            sends only those; the aggregator matches the prompts of all clients and makes the next version as updates \
            come in, however late.

            Try it on this machine:       impromptu demo
            Look before you start:        impromptu check --config run.yaml --run runs/first
            Run it for real:              impromptu aggregate --config run.yaml --run runs/first
                                          impromptu work --config run.yaml --index 0 --of 4   (on each machine)
            Show the state of a run:      impromptu status runs/first
            Pause a run:                  impromptu drain runs/first
            Change or extend a run:       impromptu set runs/first federation.buffer_size=8
                                          impromptu extend runs/first --updates 500
            Check and look into a run:    impromptu replay runs/first
                                          impromptu replay runs/first --strategy fedavg --strategy fedbuff
                                          impromptu inspect runs/first
                                          impromptu evaluate runs/first
                                          impromptu report runs/first
                                          impromptu export runs/first --to figures
            Use the tuned prompts:        impromptu predict runs/first scan.png
                                          impromptu show runs/first
                                          impromptu export runs/first --bundle bundle
            Look at a data set:           impromptu data fashion-mnist --picture partition.svg
            Compare methods:              impromptu experiment docs/experiments/smoke.yaml

            Choose a strategy:            impromptu strategies pfpt-async

            A configuration is a YAML file with sections and keys; 'impromptu aggregate --print-config' prints all of \
            them with their defaults. The environment overrides the file (IMPROMPTU_FEDERATION__BUFFER_SIZE=8), \
            and --set federation.buffer_size=8 overrides both.
            """,
        version: buildVersion,
        subcommands: [
            AggregateCommand.self, WorkCommand.self, RelayCommand.self, DemoCommand.self, ReplayCommand.self,
            InspectCommand.self, EvaluateCommand.self, PredictCommand.self, ShowCommand.self, ReportCommand.self,
            ExportCommand.self, SimulateCommand.self,
            ExperimentCommand.self, StrategiesCommand.self, DataCommand.self, KeysCommand.self, StatusCommand.self,
            DrainCommand.self,
            SetCommand.self,
            ExtendCommand.self,
            CheckCommand.self, BenchCommand.self,
        ])
}
