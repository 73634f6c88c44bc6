import Federation
import Foundation
import PromptAggregation
import RunSettings
import Testing

/// Configuration files as people and their editors write them.
@Suite struct YAMLTests {
    private func load(_ bytes: Data) throws -> RunConfiguration {
        let file = NSTemporaryDirectory() + "yaml-\(UUID().uuidString).yaml"
        try bytes.write(to: URL(fileURLWithPath: file))
        defer { try? FileManager.default.removeItem(atPath: file) }
        do {
            return try RunConfiguration.load(files: [file], environment: [:])
        } catch let error as ConfigurationError {
            throw ConfigurationError(error.description.replacing(file, with: "run.yaml"))
        }
    }

    private func load(_ text: String, _ assignments: [String] = []) throws -> RunConfiguration {
        var layers = ConfigurationLayers()
        try layers.add(yaml: text, name: "run.yaml")
        for assignment in assignments { try layers.add(assignment: assignment) }
        return try RunConfiguration(layers)
    }

    @Test(
        "every Unicode encoding is read, with its byte order mark and without",
        arguments: [String.Encoding.utf8, .utf16LittleEndian, .utf16BigEndian, .utf32LittleEndian, .utf32BigEndian])
    func encodings(encoding: String.Encoding) throws {
        let text = "security:\r\n  keys: Schlüssel\r\nfederation: {buffer_size: 3}\r\n"
        for mark in ["\u{FEFF}", ""] {
            let configuration = try load(#require((mark + text).data(using: encoding)))
            #expect(configuration.security.keys == "Schlüssel")
            #expect(configuration.federation.mode == .buffered(.init(size: 3, flushAfter: .seconds(30))))
        }
    }

    @Test func anotherEncodingIsRefusedWithItsLine() {
        let bytes = Data("run:\n  seed: 3\n# caf".utf8) + [0xE9, 0x0A]
        #expect(
            throws: ConfigurationError(
                "run.yaml:3: expected UTF-8, found bytes of another encoding; save the file as UTF-8")
        ) { try load(bytes) }
    }

    @Test(
        "what is no YAML, or not ours, is named with its line",
        arguments: [
            ("run:\n\tseed: 3\n", "run.yaml:2: not valid YAML: expected spaces at the start of the line, found a tab"),
            (
                "run:\n  seed: 3\n---\nrun: {}\n",
                "run.yaml:3: not valid YAML: expected one document, found a second one"
            ),
            ("run:\n  seed: 3\n  updates: 4\n  seed: 5\n", "run.yaml:4: seed is set twice, first at run.yaml:2"),
            ("run:\n  seed: 3\ndata: {}\nrun:\n  updates: 4\n", "run.yaml:4: run is set twice, first at run.yaml:1"),
            ("run: {seed: 3,\n  updates: 4,\n  seed: 5\n  }\n", "run.yaml:3: seed is set twice, first at run.yaml:1"),
            ("run.seed: 3\nrun:\n  seed: 4\n", "run.yaml:3: run.seed is set twice, first at run.yaml:1"),
            ("run: 3\n", "run.yaml:1: run: expected a section with keys, found '3'"),
            ("run:\n  seed:\n    deep: 3\n", "run.yaml:3: run.seed: expected a single value, found a section"),
            ("- run\n", "run.yaml:1: expected sections with keys, found a list"),
            ("run: *there\n", "run.yaml:1: not valid YAML: found undefined alias"),
            ("data:\n  <<: 3\n", "run.yaml:1: <<: expected a mapping or a list of mappings"),
        ])
    func faults(text: String, message: String) {
        #expect {
            try load(text)
        } throws: { error in
            // A mapping is marked by its section or by its first key.
            "\(error)" == message || "\(error)" == message.replacing("run.yaml:1: <<", with: "run.yaml:2: <<")
        }
    }

    @Test func anchorsAreFollowed() throws {
        let text = """
            x-common: &common {clients: 7, alpha: 0.5}
            run: {seed: &seed 9}
            data:
              <<: *common
              seed: *seed
              alpha: 2

            """
        let data = try load(text).data
        #expect(data.clients == 7 && data.alpha == 2 && data.seed == 9)
        #expect(try load("data:\n  <<: [{clients: 3}, {clients: 4, alpha: 3}]\n").data.clients == 3)
    }

    @Test func aShortFileThatIsEndlessByAliasesIsRefused() {
        var text = "x-0: &a0 {k: 1}\n"
        for level in 1...20 { text += "x-\(level): &a\(level) {l: *a\(level - 1), r: *a\(level - 1)}\n" }
        #expect { try load(text + "run: *a20\n") } throws: { "\($0)".contains("expected fewer values and aliases") }
    }

    @Test(
        "an unknown key is answered by those that may be meant",
        arguments: [
            ("training.lr", "training.head_learning_rate or training.prompt_learning_rate"),
            ("training.learning_rate", "training.head_learning_rate or training.prompt_learning_rate"),
            ("training.bs", "training.batch_size"), ("federation.buffer-size", "federation.buffer_size"),
            ("Federation.bufferSize", "federation.buffer_size"), ("run.buffer_size", "federation.buffer_size"),
            ("run.seeds", "run.seed"), ("evaluation.interval", "evaluation.interval_seconds"),
        ])
    func suggestions(key: String, meant: String) {
        #expect(throws: ConfigurationError("--set: unknown key \(key), did you mean \(meant)?")) {
            try load("", ["\(key)=1"])
        }
    }

    @Test func whatCannotBeSeenInAKeyIsShown() {
        let words = "run.yaml:2: unknown key federation.<U+A0>buffer_size, did you mean federation.buffer_size?"
        #expect(throws: ConfigurationError(words)) { try load("federation:\n  \u{a0}buffer_size: 3\n") }
    }

    @Test func aKeyLikeNoOtherIsReferredToTheList() {
        #expect(
            throws: ConfigurationError(
                "--set: unknown key colour.of_hair; impromptu config show lists all keys")
        ) { try load("", ["colour.of_hair=1"]) }
    }

    @Test func nullIsTheDefaultWhereverItIsSaid() throws {
        let standard = try load("")
        for null in ["null", "Null", "NULL", "~", ""] {
            #expect(try load("security: {keys: \(null)}\n").security.keys == nil)
            #expect(try load("worker:\n  outbox: \(null)\n").worker.outbox == standard.worker.outbox)
        }
        #expect(try load("security: {keys: here}\n", ["security.keys=null"]).security.keys == nil)
        var layers = ConfigurationLayers()
        try layers.add(yaml: "security: {keys: here}\n", name: "base.yaml")
        try layers.add(yaml: "security: {keys: ~}\n", name: "run.yaml")
        #expect(try RunConfiguration(layers).security.keys == nil)
        #expect(try load("security: {keys: 'null'}\n").security.keys == "null", "in quotes it is a name")
    }

    @Test(
        "what is written reads back as itself",
        arguments: [
            "null", "~", "true", "a: b", "it's", "\"x\" \\y", "a\nb\t c\u{7}", "# no comment", " ", "größe", "[a]",
        ])
    func written(value: String) throws {
        var layers = ConfigurationLayers()
        try layers.add(assignment: "security.aggregator_key=\(value == "null" || value == "~" ? "x" : value)")
        if value == "null" || value == "~" {
            layers = ConfigurationLayers()
            try layers.add(yaml: "security: {aggregator_key: '\(value)'}\n", name: "run.yaml")
        }
        let first = try RunConfiguration(layers)
        #expect(first.security.aggregatorKey == value)
        #expect(try load(first.yaml).security.aggregatorKey == value)
    }
}
