import Foundation
import Testing

/// The documents name commands, options, keys and targets that there are, and every one that there is stands in them.
@Suite struct DocumentTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func read(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// The pages below docs, and those elsewhere.
    private static func documents() throws -> [(name: String, text: String)] {
        let below = FileManager.default.enumerator(atPath: root.appending(path: "docs").path)
        let pages = (below?.compactMap { $0 as? String } ?? []).filter { $0.hasSuffix(".md") }.map { "docs/\($0)" }
        let others = [
            "README.md", "CONTRIBUTING.md", "Deploy/dist/README", "Deploy/dist/debian/README.Debian",
            "Sources/Python/README.md",
        ]
        return try (pages + others).sorted().map { ($0, try read($0)) }
    }

    /// Of other programs: docker, sbatch, Python, scripts of the tests, the argument parser itself.
    private static let others: Set<String> = [
        "--ulimit", "--requeue", "--fixtures", "--verify", "--system-site-packages", "--help", "--version",
    ]

    private static func check() throws -> DocumentCheck {
        DocumentCheck(
            commands: try CommandTree.visible().mapValues {
                Set($0.arguments.flatMap(\.names).map(\.text)).union(["--help", "--version"])
            },
            keys: try keys(),
            targets: Set(try read("Makefile").matches(of: #/(?m)^([a-z][a-z-]*):/#).map { String($0.1) }),
            setups: Set(try read("Deploy/setup").matches(of: #/(?m)^ +(--[a-z]+)\)/#).map { String($0.1) }),
            others: others)
    }

    /// All keys of the configuration, the settings of all strategies among them.
    private static func keys() throws -> Set<String> {
        var keys: Set<String> = ["worker.clients"]
        var section = ""
        for line in try printed().split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard let key = words.first(where: { $0 != "#" }), key.hasSuffix(":") else { continue }
            if !line.hasPrefix(" ") {
                section = String(key.dropLast())
            } else {
                keys.insert("\(section).\(key.dropLast())")
            }
        }
        return keys
    }

    private static func printed() throws -> String { try Program.run(["config", "show"]).output }

    /// These pages also name tensors and fields of a model's description.
    private static let ofOtherNames: Set<String> = ["docs/model.md", "docs/wire-and-log.md"]

    @Test func whatTheDocumentsNameExists() throws {
        let check = try Self.check()
        #expect(check.keys.count > 80 && check.targets.count > 10 && check.setups.count > 3)
        var withoutKeys = check
        withoutKeys.keys = []
        for (name, text) in try Self.documents() {
            let faults = (Self.ofOtherNames.contains(name) ? withoutKeys : check).faults(in: text)
            #expect(faults.isEmpty, "\(name): \(faults.joined(separator: "\n"))")
        }
    }

    /// Units, batch scripts, manifests: those that name the program itself.
    @Test func whatIsDeployedCallsCommandsThatExist() throws {
        var check = try Self.check()
        check.keys = []
        let below = FileManager.default.enumerator(atPath: Self.root.appending(path: "Deploy").path)
        let files = (below?.compactMap { $0 as? String } ?? []).filter { file in
            [".service", ".sbatch", ".yaml", "/take-place", "dist/test"].contains { file.hasSuffix($0) }
        }
        var calls = 0
        for file in files.sorted() {
            // A list of YAML is a command line too.
            let text = try Self.read("Deploy/\(file)").replacing(", ", with: " ").replacing("[", with: " ")
            calls += text.matches(of: #/impromptu (aggregate|work|status|drain|keys)/#).count
            let faults = check.faults(in: "```\n\(text)\n```")
            #expect(faults.isEmpty, "Deploy/\(file): \(faults.joined(separator: "\n"))")
        }
        #expect(files.count > 15 && calls > 8, "\(files.count) files, \(calls) calls")
    }

    @Test func everyCommandIsInTheDocuments() throws {
        // The list of all commands is made from the program.
        let texts = try Self.documents().filter { $0.name != "docs/command-reference.md" }.map(\.text)
        #expect(try Self.check().missing(from: texts) == [])
        #expect(try Self.check().missing(from: texts.map { $0.replacing("drain", with: "") }) == ["drain"])
    }

    @Test func everyTargetIsInTheDocuments() throws {
        let text = try Self.read("CONTRIBUTING.md")
        for target in try Self.read("Makefile").matches(of: #/(?m)^([a-z][a-z-]*):.*##/#).map(\.output.1) {
            #expect(text.contains("make \(target)"), "CONTRIBUTING.md: make \(target) is missing")
        }
    }

    @Test func theReferenceIsWhatConfigShowPrints() throws {
        let reference = try Self.read("docs/configuration.md")
        let blocks = reference.components(separatedBy: "```yaml\n")
        #expect(blocks.count == 2)
        let block = blocks.last?.components(separatedBy: "```\n").first
        #expect(
            try block == Self.printed(),
            "docs/configuration.md: put the output of 'impromptu config show' between the fences")
    }

    @Test(
        "a fault that is planted is found",
        arguments: [
            ("```\nimpromptu agregate runs/a\n```", "no command 'agregate'"),
            ("```sh\ncd runs && impromptu agregate a\n```", "no command 'agregate'"),
            ("Then `impromptu agregate RUN`.", "no command 'agregate'"),
            ("```\nimpromptu keys mak --workers 4\n```", "keys has no command 'mak'"),
            ("```\nimpromptu work runs/a --indx 0\n```", "work has no --indx"),
            ("```\nimpromptu work runs/a \\\n    --indx 0\n```", "work has no --indx"),
            ("    ```sh\n    impromptu work runs/a -x\n    ```", "work has no -x"),
            ("```\nimpromptu config show && impromptu drain a --wait 3s\n```", "drain has no --wait"),
            ("```\ncat a | impromptu predict runs/a - --tops 3\n```", "predict has no --tops"),
            ("```\nExecStart=/usr/bin/impromptu work --helth a\n```", "work has no --helth"),
            ("It waits for `--timout 5s`.", "no command has --timout"),
            ("`federation.bufer_size` says it.", "no key federation.bufer_size"),
            ("```\nimpromptu aggregate --set federation.bufer_size=3\n```", "no key federation.bufer_size"),
            ("```yaml\nfederation:\n  # a comment\n  bufer_size: 3\n```", "no key federation.bufer_size"),
            (
                "```yaml\ndata:\n  run.yaml: |\n    federation:\n      bufer_size: 3\n```",
                "no key federation.bufer_size"
            ),
            ("```\nbase: {federation: {mode: buffered, bufer_size: 3}}\n```", "no key federation.bufer_size"),
            ("`IMPROMPTU_FEDERATION__BUFER_SIZE=8`", "no key federation.bufer_size"),
            ("`make tests`", "no target 'tests'"),
            ("```\nmake setup && make tests\n```", "no target 'tests'"),
            ("`Deploy/setup --texts`", "Deploy/setup has no --texts"),
        ])
    func plantedFault(text: String, words: String) throws {
        let faults = try Self.check().faults(in: text)
        #expect(faults.contains { $0.contains(words) }, "\(faults)")
    }

    @Test(
        "what is right is no fault",
        arguments: [
            "```sh\nimpromptu work runs/a --index 0 \\\n    --workers 4 &\nimpromptu drain runs/a   # pauses\n```",
            "```\nimpromptu export a b && tensorboard --logdir b\n```", "`impromptu keys` made it; `--timeout 5s`",
            "```yaml\nworker:\n  clients:\n    clinic-3: /srv/scans\nrun: {seed: 1}\n```", "`make test`, `data.csv`",
            "`federation.staleness_…`, `IMPROMPTU_STRATEGY__NAME=pfpt`, and in prose impromptu and --more",
        ])
    func soundText(text: String) throws { #expect(try Self.check().faults(in: text) == []) }
}
