import ArgumentParser
import Console
import FaultSimulation
import Text

struct FaultsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "faults",
        abstract: "Tests the protocol under faults, in virtual time.",
        discussion: """
            Runs many small federations with a stub learner, on a network that loses, delays, repeats and cuts, with \
            processes that die at any point and disks that tear what was not synced. Each seed draws its own mode, \
            strategy and faults, and is checked against the invariants of docs/ARCHITECTURE.md. Exits with 1 if a seed \
            broke one.
            """)

    @Option(help: ArgumentHelp("How many seeds.", valueName: "number"))
    var seeds = 500

    @Option(help: ArgumentHelp("The first seed.", valueName: "number"))
    var firstSeed: UInt64 = 1

    @OptionGroup var threads: ThreadOptions

    private var range: ClosedRange<UInt64>? {
        let last = firstSeed.addingReportingOverflow(UInt64(seeds - 1))
        return last.overflow ? nil : firstSeed...last.partialValue
    }

    func validate() throws {
        guard seeds >= 1 else { throw ValidationError("--seeds: expected at least 1, found \(seeds)") }
        guard range != nil else { throw ValidationError("--first-seed: too large for \(seeds) seeds") }
    }

    func run() async throws {
        let start = ContinuousClock.now
        let sweep = await FaultSweep(seeds: range ?? 1...1, threads: threads.count) { _, failure in
            if let failure { StandardError.write("seed \(failure.seed) broke an invariant\n") }
        }
        for failure in sweep.failures {
            try StandardOutput.write("seed \(failure.seed) (\(failure.scenario)):")
            for violation in failure.violations.prefix(5) { try StandardOutput.write("  \(violation)") }
        }
        try StandardOutput.write(
            "\(sweep.seeds) seeds in \(decimal((ContinuousClock.now - start) / .seconds(1), 1)) s, with")
        for line in sweep.tally.lines { try StandardOutput.write("  \(line)") }
        guard let failure = sweep.failures.first else { return try StandardOutput.write("every invariant held") }
        throw FaultsFound(
            description: "\(sweep.failures.count) of \(sweep.seeds) seeds broke an invariant; to see the first alone:"
                + " impromptu faults --seeds 1 --first-seed \(failure.seed)")
    }
}

private struct FaultsFound: Error, CustomStringConvertible {
    var description: String
}
