import Foundation

/// Looks for commands, options, keys and targets in documents.
struct DocumentCheck {
    /// The options of each command, by its words.
    var commands: [String: Set<String>]
    /// All keys of the configuration, as `section.key`; where there are none, keys are not looked for.
    var keys: Set<String>
    /// What `make` makes, and the options of `Deploy/setup`.
    var targets: Set<String>
    var setups: Set<String>
    /// Options of other programs that the documents name in their prose.
    var others: Set<String> = []

    /// A document's code: lines between fences, in which a line that ends with a backslash continues, indented lines,
    /// and what stands in backticks elsewhere.
    struct Code {
        var fences: [[String]] = []
        var inline: [String] = []

        init(_ text: String) {
            var isFenced = false
            var fence: [String] = []
            var prose = ""
            for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
                if line.drop(while: { $0 == " " }).hasPrefix("```") {
                    if isFenced { fences.append(fence) }
                    isFenced.toggle()
                    fence = []
                } else if isFenced, let last = fence.last, last.hasSuffix("\\") {
                    fence[fence.count - 1] = String(last.dropLast()) + line.drop { $0 == " " }
                } else if isFenced {
                    fence.append(line)
                } else {
                    // What is indented may be code or a list's text.
                    if line.hasPrefix("    ") { fences.append([line]) }
                    prose += line + " "
                }
            }
            inline = prose.split(separator: "`", omittingEmptySubsequences: false).enumerated()
                .filter { $0.offset % 2 == 1 }.map { String($0.element) }
        }

        var lines: [String] { fences.flatMap { $0 } + inline }
    }

    /// All that a document names and that is not there.
    func faults(in text: String) -> [String] {
        let code = Code(text)
        var faults = code.lines.flatMap { faultyCalls($0) + faultyTargets($0) + faultyKeys($0) }
        faults += code.inline.flatMap(faultyOptions)
        faults += code.fences.flatMap(faultyBlocks)
        return faults
    }

    /// Commands that no document calls.
    func missing(from texts: [String]) -> [String] {
        let calls = texts.flatMap { Code($0).lines }.joined(separator: "\n")
        return commands.keys.filter { command in
            let isGroup = commands.keys.contains { $0.hasPrefix(command + " ") }
            let last = command.split(separator: " ").last ?? ""
            return !isGroup && !calls.contains("impromptu \(command)") && !calls.contains("bench \(last)")
        }.sorted()
    }

    // MARK: Commands

    private func faultyCalls(_ line: String) -> [String] {
        // At what ends a command of the shell.
        line.split(separator: #/&&|\|\||[;|&](?=\s|$)/#).flatMap { part -> [String] in
            let pieces = part.split(separator: #/(?:^|[\s(/"'$])impromptu (?=\S)/#, omittingEmptySubsequences: false)
            return pieces.dropFirst().flatMap { faults(ofCall: String($0), in: line, isCommand: isStart(pieces[0])) }
        }
    }

    /// Whether what comes before 'impromptu' can only stand before a command: nothing, a prompt, a path.
    private func isStart(_ before: Substring) -> Bool { !before.contains { $0.isLetter && $0.isASCII } }

    private func faults(ofCall call: String, in line: String, isCommand: Bool) -> [String] {
        let words = call.split(separator: " ").prefix { !$0.hasPrefix("-") }.map(String.init)
        guard let first = words.first, first != "help", first.allSatisfy({ $0.isLowercase || $0 == "-" }) else {
            return []
        }
        let inner = commands.keys.filter { $0.hasPrefix(first + " ") }.map { $0.dropFirst(first.count + 1) }
        var command = first
        if let second = words.dropFirst().first, !inner.isEmpty {
            if inner.contains(Substring(second)) {
                command += " " + second
            } else if second.allSatisfy({ $0.isLowercase && $0.isASCII }) {
                return ["\(first) has no command '\(second)', in: \(line)"]
            }
        }
        guard let options = commands[command] else {
            // A word of prose: "impromptu and" in a comment is no command.
            return isCommand ? ["no command '\(first)', in: \(line)"] : []
        }
        return call.split { " ,;()'\"[]=".contains($0) }.filter { $0.hasPrefix("-") && $0.contains(where: \.isLetter) }
            .filter { !options.contains(String($0)) }.map { "\(command) has no \($0), in: \(line)" }
    }

    /// An option in a sentence, such as `--timeout 30s`.
    private func faultyOptions(_ code: String) -> [String] {
        guard let found = code.prefixMatch(of: #/--[a-z][a-z-]*/#) else { return [] }
        let option = String(found.output)
        let isKnown =
            setups.contains(option) || others.contains(option) || commands.values.contains { $0.contains(option) }
        return isKnown ? [] : ["no command has \(option), in: \(code)"]
    }

    private func faultyTargets(_ line: String) -> [String] {
        let made = line.matches(of: #/(?:^|&& )make ([a-z][a-z-]*)/#).map(\.output.1).filter {
            !targets.contains(String($0))
        }
        let installed = line.matches(of: #/Deploy/setup (--[a-z]+)/#).map(\.output.1).filter {
            !setups.contains(String($0))
        }
        return made.map { "no target '\($0)', in: \(line)" }
            + installed.map { "Deploy/setup has no \($0), in: \(line)" }
    }

    // MARK: Keys

    private var sections: Set<Substring> { Set(keys.map { $0.prefix { $0 != "." } }) }

    /// Names of files and tensors that look like a key.
    private static let endings: Set<String> = [
        "mcap", "yaml", "csv", "json", "svg", "html", "md", "safetensors", "personal", "privacy", "txt", "counts",
        "means", "mean", "whitening", "weight", "bias", "hidden", "common", "pth", "py", "sbatch", "prepare", "key",
        "epsilon",
        "health", "public", "secret",
    ]

    /// Keys with a point, of the environment, and in braces.
    private func faultyKeys(_ line: String) -> [String] {
        var found = line.matches(of: #/(?:^|[^\w./-])([a-z]+)\.([a-z][a-z_-]*)(?![\w/(.])/#)
            .filter { !Self.endings.contains(String($0.2)) }.map { "\($0.1).\($0.2)" }
            .filter { sections.contains($0.prefix { $0 != "." }) }
        found += line.matches(of: #/\bIMPROMPTU_([A-Z]+)__([A-Z_]+)/#).map { "\($0.1).\($0.2)".lowercased() }
        for section in line.matches(of: #/\b([a-z]+): \{([^{}]*)\}/#) where sections.contains(section.1) {
            found += section.2.matches(of: #/(?:^|, )([a-z_]+):/#).map { "\(section.1).\($0.1)" }
        }
        return found.compactMap { fault(ofKey: $0, in: line) }
    }

    /// Keys below the line of their section, also where a whole file stands in a manifest.
    private func faultyBlocks(_ lines: [String]) -> [String] {
        var section: Substring?
        var base = 0
        var faults: [String] = []
        for line in lines {
            if let file = line.wholeMatch(of: #/( *)\S+: *\|/#) {
                (section, base) = (nil, file.1.count + 2)
            }
            guard let key = line.firstMatch(of: #/^( *)([a-z_]+):(?: |$)/#) else { continue }
            switch key.1.count - base {
            case 0:
                let isSection = line.wholeMatch(of: #/ *[a-z]+: *(#.*)?/#) != nil && sections.contains(key.2)
                section = isSection ? key.2 : nil
            case 2:
                if let section, let fault = fault(ofKey: "\(section).\(key.2)", in: line) { faults.append(fault) }
            case ..<0: (section, base) = (nil, 0)
            default: break
            }
        }
        return faults
    }

    /// The beginning of keys stands for all of them: federation.staleness_….
    private func fault(ofKey key: String, in line: String) -> String? {
        guard !keys.isEmpty else { return nil }
        let isWritten = keys.contains(key) || (line.contains("\(key)…") && keys.contains { $0.hasPrefix(key) })
        return isWritten ? nil : "no key \(key), in: \(line)"
    }
}
