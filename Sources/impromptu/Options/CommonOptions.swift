import ArgumentParser

extension ArgumentHelp {
    static let recordedRun = ArgumentHelp("A run folder, or one file of its log.", valueName: "run")
    static let runFolder = ArgumentHelp("The run folder.", valueName: "run")

    /// For options of the length of a wait.
    static func timeout(_ words: String) -> ArgumentHelp {
        ArgumentHelp("\(words), \(TimeSpan.help).", valueName: "time")
    }

    static func version(_ words: String) -> ArgumentHelp { ArgumentHelp("\(words).", valueName: "number") }
}

/// Whether a command prints less.
struct QuietOption: ParsableArguments {
    @Flag(
        name: [.customShort("q"), .customLong("quiet")],
        help: "Prints less: no progress; of a check, only what failed or warns.")
    var isQuiet = false
}

/// Whether a command prints more.
struct VerboseOption: ParsableArguments {
    @Flag(name: [.customShort("v"), .customLong("verbose")], help: "Prints more: each step.")
    var isVerbose = false
}

/// How many threads a command computes with.
struct ThreadOptions: ParsableArguments {
    @Option(
        name: .customLong("threads"),
        help: ArgumentHelp("Threads to compute with; they do not change the result.", valueName: "number"))
    var count = 1

    func validate() throws {
        guard (1...256).contains(count) else {
            throw ValidationError("--threads: expected 1 to 256, found \(count)")
        }
    }
}
