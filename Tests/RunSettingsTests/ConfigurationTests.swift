import Datasets
import Federation
import Foundation
import PromptAggregation
import RunSettings
import Testing

/// The configuration: layers, and errors that name the key, the line and what was expected.
@Suite struct ConfigurationTests {
    private func load(_ yaml: String, environment: [String: String] = [:], _ assignments: [String] = []) throws
        -> RunConfiguration
    {
        var layers = ConfigurationLayers()
        try layers.add(yaml: yaml, name: "run.yaml")
        layers.add(environment: environment)
        for assignment in assignments { try layers.add(assignment: assignment) }
        return try RunConfiguration(layers)
    }

    @Test func laterLayersStandAboveEarlierOnes() throws {
        let yaml = "federation:\n  buffer_size: 3\n  concurrency: 4\n"
        let configuration = try load(
            yaml, environment: ["IMPROMPTU_FEDERATION__BUFFER_SIZE": "7", "IMPROMPTU_FEDERATION__CONCURRENCY": "8"],
            ["federation.concurrency=9"])
        #expect(configuration.federation.mode == .buffered(.init(size: 7, flushAfter: .seconds(30))))
        #expect(configuration.federation.concurrency == 9)
    }

    @Test(
        "what an editor or a person leaves behind sets nothing",
        arguments: [
            "\u{FEFF}federation: {buffer_size: 3}\n", "privacy:\nfederation: {buffer_size: 3}\n",
            "privacy:\n#  clip_norm: 0.5\nfederation:\n  buffer_size: 3\n  concurrency:\n",
            "federation: {buffer_size: 3, concurrency: null}\nworker: {outbox: ~}\n",
        ])
    func nothingIsSet(yaml: String) throws {
        let configuration = try load(yaml)
        #expect(configuration.federation.mode == .buffered(.init(size: 3, flushAfter: .seconds(30))))
        #expect(configuration.federation.concurrency == (try load("")).federation.concurrency)
        #expect(configuration.worker.outbox == (try load("")).worker.outbox)
    }

    @Test func filesWhoseNamesBeginAlikeAreLayersOfTheirOwn() throws {
        var layers = ConfigurationLayers()
        try layers.add(yaml: "federation: {buffer_size: 9}\n", name: "run.yaml.common")
        try layers.add(yaml: "federation: {buffer_size: 3}\n", name: "run.yaml")
        let configuration = try RunConfiguration(layers)
        #expect(configuration.federation.mode == .buffered(.init(size: 3, flushAfter: .seconds(30))))
    }

    @Test func aPipeIsReadLikeAFile() throws {
        let pipe = Pipe()
        try pipe.fileHandleForWriting.write(contentsOf: Data("federation: {buffer_size: 3}\n".utf8))
        try pipe.fileHandleForWriting.close()
        let path = "/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)"
        let configuration = try RunConfiguration.load(files: [path], environment: [:])
        #expect(configuration.federation.mode == .buffered(.init(size: 3, flushAfter: .seconds(30))))
    }

    @Test(arguments: [
        ("/", "/: cannot read the configuration file: expected a file, found a folder"),
        ("/dev/zero", "/dev/zero: cannot read the configuration file: expected a file, found a device"),
        ("/nowhere/run.yaml", "/nowhere/run.yaml: cannot read the configuration file: No such file or directory"),
    ])
    func aFileThatCannotBeReadIsNamed(path: String, error: String) {
        #expect(throws: ConfigurationError(error)) {
            try RunConfiguration.load(files: [path], environment: [:])
        }
    }

    @Test(
        "what is wrong is told in one line",
        arguments: [
            (
                "federation:\n  bufer_size: 3\n",
                "run.yaml:2: unknown key federation.bufer_size, did you mean federation.buffer_size?"
            ),
            (
                "federation:\n  buffer_size: none\n",
                "run.yaml:2: federation.buffer_size: expected a whole number from 1 to 1000000, found 'none'"
            ),
            (
                "federation:\n  mode: sometimes\n",
                "run.yaml:2: federation.mode: expected one of buffered, synchronous, continuous, found 'sometimes'"
            ),
            (
                "run:\n  seed: [1, 2]\n", "run.yaml:2: run.seed: expected a single value, found a list"
            ),
            (
                "federation:\n  lease_seconds: 3\n",
                "federation.heartbeat_seconds: expected at most half of federation.lease_seconds (3.0), found 2.0: clients"
                    + " would be lost between two heartbeats"
            ),
            (
                "federation:\n  mode: synchronous\n  cohort: 3\n  quorum: 5\n",
                "federation.quorum: expected at most federation.cohort (3), found 5"
            ),
            (
                "federation:\n  clients_to_start: 5\n  maximum_clients: 3\n",
                "federation.clients_to_start: expected at most federation.maximum_clients (3), found 5: no task would ever"
                    + " be given out"
            ),
            (
                "endpoints:\n  updates: tcp://127.0.0.1:7000\n  prompts: tcp://127.0.0.1:7000\n",
                "endpoints.prompts: expected another address than endpoints.updates, found tcp://127.0.0.1:7000 for both"
            ),
            (
                "strategy:\n  pool_limit: 10\nprompts:\n  pool: 12\n",
                "prompts.pool: expected at most strategy.pool_limit (10), found 12"
            ),
            (
                "strategy:\n  pool_limit: 10\n  pool_minimum: 20\nprompts:\n  pool: 10\n",
                "strategy.pool_minimum: expected at most strategy.pool_limit (10), found 20"
            ),
            (
                "data:\n  clients: 9\n  training_samples: 200\n",
                "data.training_samples: expected 0 or at least data.clients times data.minimum_samples (288), found 200"
            ),
            (
                "data:\n  clients: 9\n  training_samples: 8\n  partition: iid\n",
                "data.training_samples: expected 0 or at least data.clients (9), found 8"
            ),
            (
                "training:\n  schedule: cosine\n",
                "training.schedule_versions: expected at least 1 with training.schedule cosine and run.versions 0, found 0"
            ),
            (
                "head:\n  on_classifier: true\nprompts:\n  feature_whitening: validation\n",
                "head.on_classifier: expected prompts.feature_whitening none beside it, found validation"
            ),
            ("just words", "run.yaml:1: expected sections with keys, found 'just words'"),
        ])
    func wrong(yaml: String, message: String) {
        #expect(throws: ConfigurationError(message)) { try load(yaml) }
    }

    @Test(
        "a name that YAML reads as no value is none",
        arguments: [
            ("model:\n  classes: [owl, null]\n", 2, "item 2, found null"),
            ("model:\n  classes:\n  - ~\n  - owl\n", 3, "item 1, found ~"),
            ("model:\n  classes:\n  - owl\n  -\n", 3, "item 2, found none"),
        ])
    func noName(yaml: String, line: Int, found: String) {
        let message =
            "run.yaml:\(line): model.classes: expected a name as \(found), which is no value in YAML; a name that reads so"
            + " stands in quotes"
        #expect(throws: ConfigurationError(message)) { try load(yaml) }
    }

    @Test func bracketsMayNotLieWithinEachOtherForEver() {
        let message = "run.yaml:1: not valid YAML: expected fewer brackets or sections within each other"
        #expect(throws: ConfigurationError(message)) { try load(String(repeating: "[", count: 3000)) }
    }

    /// A class may be called so, in whatever way YAML reads the word.
    @Test func namesStayAsTheyAreWritten() throws {
        let listed = try load("model: {classes: [true, no, 0, 007, 1.0, 1e3, 0x1F, 'null', \"~\", 2024-01-01]}\n")
        let names = ["true", "no", "0", "007", "1.0", "1e3", "0x1F", "null", "~", "2024-01-01"]
        #expect(listed.data.classes?.names == names)
        #expect(try load(listed.yaml).data.classes?.names == names)
        #expect(try load("", [:], ["model.classes=['null', 7]"]).data.classes?.names == ["null", "7"])
        let error = #expect(throws: ConfigurationError.self) { try load("", [:], ["model.classes=[owl, null]"]) }
        #expect(error?.description.hasPrefix("--set: model.classes: expected a name as item 2, found null") == true)
    }

    @Test(
        "a variable that means a setting and is none is named with the right one",
        arguments: [
            ("IMPROMPTU_RUN_SEED", "run.seed", "IMPROMPTU_RUN__SEED"),
            ("IMPROMPTU_FEDERATION_BUFFER_SIZE", "federation.buffer_size", "IMPROMPTU_FEDERATION__BUFFER_SIZE"),
            ("IMPROMPTU_FEDERATION_BUFFERSIZE", "federation.buffer_size", "IMPROMPTU_FEDERATION__BUFFER_SIZE"),
            ("IMPROMPTU_FEDERATION_BUFER_SIZE", "federation.buffer_size", "IMPROMPTU_FEDERATION__BUFFER_SIZE"),
            ("IMPROMPTU_STRATEGY.NAME", "strategy.name", "IMPROMPTU_STRATEGY__NAME"),
            ("impromptu_run__seed", "run.seed", "IMPROMPTU_RUN__SEED"),
        ])
    func strayVariable(_ variable: String, key: String, right: String) throws {
        #expect(
            throws: ConfigurationError(
                "environment variable \(variable): it sets nothing; the variable of \(key) is \(right)")
        ) { try load("", [variable: "7"], []) }
    }

    @Test func variablesOfOtherPurposesAreLeftAlone() throws {
        let others = [
            "IMPROMPTU_DATA", "IMPROMPTU_KERNELS", "IMPROMPTU_PYTHON", "IMPROMPTU_TAG", "RUN_SEED", "IMPROMPTU_",
        ]
        let environment = Dictionary(uniqueKeysWithValues: others.map { ($0, "7") })
        #expect(try load("", environment, []).yaml == load("").yaml)
    }

    @Test(
        "classes are listed in YAML, in brackets, or in a file",
        arguments: [
            "model: {classes: [owl, 'snow goose', 'a, b']}\n", "model:\n  classes: [owl, snow goose, 'a, b']\n",
        ])
    func classes(yaml: String) throws {
        let names = ["owl", "snow goose", "a, b"]
        let listed = try load(yaml)
        #expect(listed.data.classes?.names == names && !listed.data.isDivided)
        #expect(try load(listed.yaml).yaml == listed.yaml)
        #expect(try load("", [:], ["model.classes=[owl, snow goose, 'a, b']"]).data.classes?.names == names)
        let file = NSTemporaryDirectory() + "classes-\(UUID().uuidString).txt"
        try Data(" owl\r\n\nsnow goose \na, b".utf8).write(to: URL(fileURLWithPath: file))
        defer { try? FileManager.default.removeItem(atPath: file) }
        #expect(try load("", [:], ["model.classes=\(file)"]).yaml == listed.yaml)
    }

    @Test(
        "what cannot be the classes of a federation is refused",
        arguments: [
            (
                "model: {classes: [owl, wren, owl]}\n",
                "class list: expected each name once, found 'owl' as class 0 and 2"
            ),
            ("model: {classes: []}\n", "class list: expected one or more names, found none"),
            ("model: {classes: [owl, [wren]]}\n", "run.yaml:1: model.classes: expected a single value, found a list"),
            (
                "data: {dataset: none}\n",
                "model.classes: expected the names of the classes with data.dataset none, found none"
            ),
            (
                "model: {classes: [owl]}\nprompts: {feature_whitening: validation}\n",
                "prompts.feature_whitening: expected none with data.dataset none, found validation"
            ),
            (
                "model: {classes: /nowhere/classes.txt}\n",
                "run.yaml:1: model.classes: /nowhere/classes.txt: cannot be read: it does not exist"
            ),
        ])
    func wrongClasses(yaml: String, message: String) {
        #expect {
            try load(yaml)
        } throws: {
            "\($0)" == message
        }
    }

    @Test func clientsWithImagesOfTheirOwnAreNamedWithTheirPaths() throws {
        let yaml = "worker: {clients: {clinic-2: /b, st.mary: /a}}\n"
        let clients = try load(yaml, [:], ["worker.clients.clinic-3=c"]).worker.clients
        #expect(clients.map(\.name.name) == ["clinic-2", "clinic-3", "st.mary"])
        #expect(clients.map(\.data) == ["/b", "c", "/a"])
        for name in ["a/b", "..", "a b", "", "Käse", String(repeating: "a", count: 65)] {
            #expect(throws: ConfigurationError.self) { try load("", [:], ["worker.clients.\(name)=c"]) }
        }
    }

    @Test func aRunKeepsWhatAReplayNeedsAndMayMove() throws {
        let first = try load("federation: {buffer_size: 3}\n")
        let moved = try load(
            "federation: {buffer_size: 3}\nendpoints: {updates: 'tcp://*:1'}\nevaluation: {threads: 4}\n", [:],
            [
                "worker.threads=9", "security.keys=keys", "run.snapshot_versions=1", "data.path=/elsewhere",
                "encoder.cache_bytes=0",
            ])
        #expect(moved.changes(since: first).isEmpty)
        let other = try load("", [:], ["run.updates=9", "model.classes=[owl]", "evaluation.client_versions=3"])
        #expect(
            other.changes(since: first).map(\.description) == [
                "run.updates: begun with '0', given '9'", "federation.buffer_size: begun with '3', given '5'",
                "model.classes: begun with '', given '[owl]'", "data.dataset: begun with 'fashion-mnist', given 'none'",
                "evaluation.client_versions: begun with '10', given '3'",
            ])
    }

    @Test func theScheduleRunsOverTheRunUnlessToldOtherwise() throws {
        let yaml = "run:\n  versions: 40\ntraining:\n  schedule: linear\n"
        #expect(try load(yaml).federation.schedule == .linear(versions: 40, floor: 0))
        #expect(
            try load(yaml, [:], ["training.schedule_versions=9", "training.schedule_floor=0.5"]).federation.schedule
                == .linear(versions: 9, floor: 0.5))
        #expect(
            try load("", [:], ["training.schedule=step"]).federation.schedule == .step(interval: 10, factor: 0.5))
        #expect(try load("").federation.schedule == .constant)
    }

    @Test func wrongFlagsAndVariablesAreNamed() {
        #expect(
            throws: ConfigurationError("--set: federation.quorum: expected a whole number from 1 to 1000000, found '0'")
        ) {
            try load("", [:], ["federation.quorum=0"])
        }
        #expect(throws: ConfigurationError("--set quorum: expected section.key=value")) {
            try load("", [:], ["quorum"])
        }
        #expect(
            throws: ConfigurationError(
                "environment variable IMPROMPTU_RUN__SEEDS: unknown key run.seeds, did you mean run.seed?")
        ) { try load("", ["IMPROMPTU_RUN__SEEDS": "1"], []) }
    }

    private func load(_ yaml: String, _ environment: [String: String], _ assignments: [String]) throws
        -> RunConfiguration
    { try load(yaml, environment: environment, assignments) }

    @Test func theEffectiveConfigurationReadsBackAsItself() throws {
        let first = try load(RunConfiguration.demo, ["strategy.sweeps=4"])
        let second = try load(first.yaml)
        #expect(second.yaml == first.yaml)
        #expect(second.federation == first.federation)
        #expect(second.strategy == first.strategy)
        #expect(second.worker == first.worker)
    }

    @Test func clientsAreNumberedWithEqualWidth() throws {
        #expect(
            try load("data:\n  clients: 3\n").clients == ["client-00", "client-01", "client-02"].map { ClientID($0) })
        #expect(try load("data:\n  clients: 101\n").clients[7] == ClientID("client-007"))
    }
}
