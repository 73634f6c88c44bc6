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
            let unknown = CommandNames.unknown(in: CommandLine.arguments.dropFirst(), below: RootCommand.self)
            if RootCommand.exitCode(for: error).isSuccess, unknown == nil { showHelp(of: error) }
            fail(unknown ?? RootCommand.message(for: error), code: 2)
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
            Clients hold data that may not leave. Each tunes a few prompt vectors of one frozen transformer and \
            sends only those; the aggregator matches the prompts of all clients and makes the next version as updates \
            come in, however late.

            Try it on this machine:       impromptu demo
            Look before you start:        impromptu check aggregator runs/first --config run.yaml
            Run it for real:              impromptu aggregate runs/first --config run.yaml
                                          impromptu work --config run.yaml --index 0 --workers 4   (on each machine)
            Show the state of a run:      impromptu status runs/first
            Pause a run:                  impromptu drain runs/first
            Change or extend a run:       impromptu set runs/first federation.buffer_size=8
                                          impromptu extend runs/first --updates 500
            Check and look into a run:    impromptu replay runs/first
                                          impromptu whatif runs/first --strategy fedavg --strategy fedbuff
                                          impromptu whatif runs/first --without clinic-3
                                          impromptu verify runs/first --public-key keys/log.public
                                          impromptu inspect runs/first
                                          impromptu evaluate runs/first
                                          impromptu report runs/first
                                          impromptu export runs/first figures
            Use the tuned prompts:        impromptu predict runs/first scan.png
                                          impromptu show runs/first
                                          impromptu export runs/first bundle --format bundle
            Check a client of your own:   impromptu check-client './client {updates} {prompts}'
            Look at a data set:           impromptu data fashion-mnist --picture partition.svg
            Compare methods:              impromptu experiment docs/experiments/smoke.yaml
            Choose a strategy:            impromptu strategies pfpt-async
            Choose an encoder:            impromptu encoders
            Write a configuration:        impromptu config show

            First comes the run, or whatever a command is about, then the options: -c names a configuration file, -s sets \
            one key, -o chooses how to print (table, json, csv), -q prints less, -v more. Times have units: --timeout 30s.

            Exit codes: 0 done, 1 failed, 2 a wrong command line or configuration, 75 try again later.
            """,
        version: buildVersion,
        groupedSubcommands: [
            CommandGroup(
                name: "Run a federation",
                subcommands: [
                    AggregateCommand.self, WorkCommand.self, RelayCommand.self, KeysCommand.self, CheckCommand.self,
                    StatusCommand.self, DrainCommand.self, SetCommand.self, ExtendCommand.self,
                ]),
            CommandGroup(
                name: "Look into a run",
                subcommands: [
                    InspectCommand.self, ReplayCommand.self, VerifyCommand.self, WhatIfCommand.self,
                    EvaluateCommand.self, ReportCommand.self, ExportCommand.self, ShowCommand.self, PredictCommand.self,
                ]),
            CommandGroup(
                name: "Try and compare",
                subcommands: [
                    DemoCommand.self, SimulateCommand.self, ExperimentCommand.self, FaultsCommand.self,
                    CheckClientCommand.self, BenchCommand.self,
                ]),
            CommandGroup(
                name: "Configure",
                subcommands: [
                    ConfigCommand.self, StrategiesCommand.self, EncodersCommand.self, DataCommand.self,
                ]),
        ])
}
