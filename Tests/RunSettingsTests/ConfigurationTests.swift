import Federation
import Foundation
import PromptAggregation
import RunSettings
import Testing

/// The configuration: layers, and errors that name the key, the place and what was expected.
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

    @Test(arguments: ["/", "/nowhere/run.yaml"])
    func aFileThatCannotBeReadIsNamed(path: String) {
        #expect(throws: ConfigurationError("\(path): cannot read the configuration file")) {
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
                "federation.heartbeat_seconds: expected at most half of federation.lease_seconds, or clients are lost"
                    + " between two heartbeats"
            ),
            (
                "federation:\n  mode: synchronous\n  cohort: 3\n  quorum: 5\n",
                "federation.quorum: expected at most federation.cohort (3), found 5"
            ),
            (
                "training:\n  schedule: cosine\n",
                "training.schedule_versions: expected at least 1 for the schedule cosine of a run without run.versions"
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
