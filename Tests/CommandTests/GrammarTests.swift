import Foundation
import Testing

/// All commands have one grammar (docs/commands.md).
@Suite struct GrammarTests {
    private static let shortOptions = [
        "-c": "--config", "-s": "--set", "-o": "--output", "-q": "--quiet", "-v": "--verbose",
    ]

    @Test func everyOptionHasHelpAndAWord() throws {
        for (command, description) in try CommandTree.visible() {
            for argument in description.arguments {
                let what = argument.long.first ?? argument.valueName ?? ""
                #expect(argument.abstract?.hasSuffix(".") == true, "\(command): \(what) has no help")
                for name in argument.long {
                    let isWord = name.dropFirst(2).allSatisfy { $0.isASCII && ($0.isLowercase || $0 == "-") }
                    #expect(isWord, "\(command): \(name)")
                }
            }
        }
    }

    @Test func shellsCompletePaths() throws {
        let paths: Set<String> = ["run", "relay", "file", "folder", "path", "model", "inputs", "data-set", "a", "b"]
        var count = 0
        for (command, description) in try CommandTree.visible() {
            for argument in description.arguments where paths.contains(argument.valueName ?? "") {
                count += 1
                #expect(
                    !argument.completions.isDisjoint(with: ["file", "directory"]),
                    "\(command): \(argument.long.first ?? argument.valueName ?? "")")
            }
        }
        #expect(count > 40)
    }

    @Test func runsArePositionalAndNamesOfOtherGrammarsAreGone() throws {
        let gone: Set<String> = [
            "--run", "--json", "--csv", "--lines", "--wait", "--within", "--patience", "--to", "--of", "--until",
            "--stay",
            "--only", "--print-config", "--seconds", "--timeline",
        ]
        let commands = try CommandTree.visible()
        #expect(commands.count > 40)
        for (command, description) in commands {
            let names = Set(description.arguments.flatMap(\.names).map(\.text))
            #expect(names.isDisjoint(with: gone), "\(command): \(names.intersection(gone))")
        }
    }

    @Test func shortOptionsAreTheSameEverywhere() throws {
        for (command, description) in try CommandTree.visible() {
            for argument in description.arguments {
                for short in argument.short {
                    let long = Self.shortOptions[short]
                    #expect(long != nil && argument.long == [long], "\(command): \(short) for \(argument.long)")
                }
                // And those that have a short name have it everywhere.
                if let long = argument.long.first, let short = Self.shortOptions.first(where: { $0.value == long })?.key
                {
                    #expect(argument.short == [short], "\(command): \(long) without \(short)")
                }
            }
        }
    }

    /// An option of one name takes the same kind of value in all commands.
    @Test func aNameMeansTheSameEverywhere() throws {
        var meanings: [String: [String: [String]]] = [:]
        for (command, description) in try CommandTree.visible() {
            for argument in description.arguments {
                for name in argument.long {
                    // The parser names a flag's value like the flag.
                    let value = argument.kind == "flag" ? "" : argument.valueName ?? ""
                    meanings[name, default: [:]]["\(argument.kind) \(value)", default: []].append(command)
                }
            }
        }
        #expect(meanings.count > 50)
        for (name, kinds) in meanings { #expect(kinds.count == 1, "\(name): \(kinds)") }
    }

    /// What a shared option does is said in the same words.
    @Test func sharedOptionsHaveTheSameHelp() throws {
        var helps: [String: Set<String>] = [:]
        for description in try CommandTree.visible().values {
            for argument in description.arguments {
                for name in argument.long { helps[name, default: []].insert(argument.abstract ?? "") }
            }
        }
        for name in ["--config", "--set", "--output", "--quiet", "--verbose", "--threads", "--index", "--log-level"] {
            #expect(helps[name]?.count == 1, "\(name): \(helps[name] ?? [])")
        }
    }

    @Test(
        "what is wrong on the command line is told with exit code 2",
        arguments: [
            (["agregate"], "expected a command, found 'agregate'; did you mean 'aggregate'?"),
            (["stauts", "runs/a"], "found 'stauts'; did you mean 'status'?"),
            (["aggregator", "-c", "run.yaml"], "did you mean 'aggregate'?"),
            (["frobnicate"], "expected a command, found 'frobnicate'; 'impromptu help' lists all"),
            (
                ["keys", "mak", "--workers", "4"],
                "keys: expected make, rotate, revoke, found 'mak'; did you mean 'make'?"
            ),
            (["bench", "tunning"], "did you mean 'tuning'?"),
            (["help", "agregate"], "did you mean 'aggregate'?"), (["agregate", "--help"], "did you mean 'aggregate'?"),
            (["replay", "runs/a", "--until", "3"], "Unknown option '--until'"),
            (["status", "runs/a", "--timout", "5s"], "did you mean '--timeout'"),
            (["inspect"], "Missing expected argument '<run>'"),
            (["inspect", "runs/a", "--output", "yaml"], "'yaml' is invalid"),
            (["drain", "runs/a", "--timeout", "5"], "'5' is invalid"),
            (["predict", "model", "a.png", "--threads", "0"], "--threads: expected 1 to 256, found 0"),
            (["status"], "expected a run or --health, found neither"),
            (["status", "runs/a", "--health", "file"], "expected a run or --health, found both"),
            (["whatif", "runs/a", "--without", "b", "--strategy", "fedavg"], "--without: expected neither"),
            (["export", "runs/a", "out", "--format", "mlflow", "--model-version", "3"], "expected at most 0"),
            (["inspect", "runs/a", "--list", "records", "--output", "csv"], "expected table or json"),
            (["config", "show", "--set", "federation.bufer_size=3"], "did you mean federation.buffer_size"),
            (["config", "show", "--set", "federation.buffer_size=x"], "expected a whole number"),
            (["config", "check", "--config", "/nowhere.yaml"], "/nowhere.yaml: cannot read"),
            (["config", "check", "/nowhere.yaml"], "/nowhere.yaml: cannot read"),
            (["simulate", "--set", "run.updates=0"], "found a run without an end"),
            (["check", "worker", "--index", "4", "--workers", "4"], "--index: expected 0 to 3"),
            (["strategies", "fedsum"], "expected one of"),
        ])
    func usageErrors(arguments: [String], words: String) throws {
        let outcome = try Program.run(arguments)
        #expect(outcome.code == 2 && outcome.output.isEmpty, "\(outcome)")
        #expect(outcome.errors.localizedCaseInsensitiveContains(words), "\(outcome.errors)")
    }

    @Test(
        "what fails is told in one line with exit code 1",
        arguments: [
            ["replay", "/nowhere"], ["inspect", "/nowhere"], ["verify", "/nowhere"], ["export", "/nowhere", "out"],
            ["whatif", "/nowhere"], ["report", "/nowhere"], ["evaluate", "/nowhere"], ["drain", "/nowhere"],
            ["status", "--health", "/nowhere"], ["status", "tcp://127.0.0.1:9", "--timeout", "100ms"],
        ])
    func failures(arguments: [String]) throws {
        let outcome = try Program.run(arguments)
        #expect(outcome.code == 1 && outcome.output.isEmpty, "\(arguments): \(outcome)")
        #expect(outcome.errors.hasPrefix("impromptu: ") && outcome.errors.split(separator: "\n").count == 1)
    }

    @Test func theTableOfExitCodesIsWhole() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = try String(contentsOf: root.appending(path: "docs/commands.md"), encoding: .utf8)
        let rows = page.split(separator: "\n").compactMap { $0.firstMatch(of: #/^\| (\d+) \|/#)?.1 }
        #expect(rows == ["0", "1", "2", "75"])
        let help = try Program.run(["--help"])
        #expect(help.code == 0)
        let words = help.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(
            words.contains("Exit codes: 0 done, 1 failed, 2 a wrong command line or configuration, 75 try again later.")
        )
    }
}
