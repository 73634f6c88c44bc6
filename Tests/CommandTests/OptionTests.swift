import Console
import Foundation
import RunSettings
import TestSupport
import Testing

/// Options do what they say, and what commands print can be used again.
@Suite struct OptionTests {
    @Test func aLineOfProgressNeverTakesASecondRow() {
        #expect(ProgressLine.fitted("3 s  updates 13", columns: 16) == "3 s  updates 13")
        #expect(ProgressLine.fitted("3 s  updates 13", columns: 15) == "3 s  updates …")
        for columns in 1...40 {
            let line = ProgressLine.fitted(String(repeating: "x", count: 30), columns: columns)
            #expect(line.count < max(columns, 2) && (columns <= 30 || line.count == 30))
        }
        #expect(ProgressLine.fitted("", columns: .max) == "")
    }

    @Test(arguments: [
        ["--open-dashboard"], ["--dashboard-host", "a.example"], ["--dashboard", "--dashboard-host", "a:1"],
    ])
    func aDashboardsOptionsBelongToADashboard(options: [String]) throws {
        let outcome = try Program.run(["aggregate"] + options)
        #expect(outcome.code == 2 && outcome.errors.contains("--dashboard"), "\(outcome.errors)")
    }

    @Test(arguments: [
        ("0.3s", "heard no aggregator within 0.3 s", 1), ("300ms", "heard no aggregator within 0.3 s", 1),
        ("0.005m", "heard no aggregator within 0.3 s", 1), ("0.3", "The value '0.3' is invalid", 2),
        ("25h", "--timeout: expected 100ms to 24h, found 25h", 2), ("1e3", "The value '1e3' is invalid", 2),
        ("0", "--timeout: expected 100ms to 24h", 2), ("-3s", "--timeout", 2),
        ("s", "The value 's' is invalid", 2), ("3 s", "The value '3 s' is invalid", 2),
        ("nan", "The value 'nan' is invalid", 2), ("5d", "The value '5d' is invalid", 2),
    ])
    func timesHaveUnits(text: String, words: String, code: Int32) throws {
        let outcome = try Program.run(["status", "tcp://127.0.0.1:9", "--timeout", text])
        #expect(outcome.code == code && outcome.errors.contains(words), "\(outcome.errors)")
    }

    @Test func strategiesAreShownWithTheirSettings() throws {
        let all = try Program.run(["strategies"])
        #expect(all.code == 0 && all.output.contains("pfpt-async  ") && all.output.contains("fedavg      "))
        let one = try Program.run(["strategies", "pfpt-async"])
        #expect(one.output.contains("strategy.patience\n    Flushes that a prompt survives without support."))
        #expect(one.output.contains("    a whole number from 0 to 1000000; default 10\n"))
        let json = try Program.run(["strategies", "fedopt", "-o", "json"])
        let read = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]]
        #expect(read?.count == 1 && read?[0]["name"] as? String == "fedopt")
        let csv = try Program.run(["strategies", "fedopt", "-o", "csv"]).output.split(separator: "\n")
        #expect(csv[0] == "default,expected,key,meaning")
        #expect(csv.contains { $0.hasPrefix("0.01,a number from 1e-08 to 100.0,server_rate,") }, "\(csv)")
    }

    @Test func encodersAreThoseOfTheCode() throws {
        let table = try Program.run(["encoders"])
        #expect(table.code == 0 && table.output.contains("dinov2       DINOv2, with registers or without"))
        let csv = try Program.run(["encoders", "--output", "csv"]).output.split(separator: "\n")
        #expect(csv.count == 7 && csv[0] == "activation,features,libraries,mean,models,name,std")
        #expect(csv[1].contains(",\"[\"\"timm VisionTransformer\"\",\"\"transformers ViTModel\"\"]\","), "\(csv[1])")
    }

    @Test func whatConfigShowPrintsIsAConfiguration() throws {
        let first = try Program.run(["config", "show", "-s", "strategy.name=fedopt"])
        try withTemporaryFolder { folder in
            let file = folder + "/printed.yaml"
            try first.output.write(toFile: file, atomically: true, encoding: .utf8)
            let second = try Program.run(["config", "show", "-c", file])
            #expect(second.code == 0 && second.output == first.output)
            let keys = try Program.run(["config", "show", "-c", file, "-o", "json"])
            let read = try JSONSerialization.jsonObject(with: Data(keys.output.utf8)) as? [[String: String]]
            let rate = try #require(read?.first { $0["key"] == "strategy.server_rate" })
            #expect(
                rate["default"] == "0.01" && rate["value"] == "0.01"
                    && rate["expected"] == "a number from 1e-08 to 100.0")
            #expect(rate["meaning"]?.hasPrefix("The server's step size") == true)
        }
    }

    @Test func configDiffNamesTheKeysThatDiffer() throws {
        try withTemporaryFolder { folder in
            try "federation: {buffer_size: 8}\n".write(toFile: folder + "/a.yaml", atomically: true, encoding: .utf8)
            let run = folder + "/run"
            try FileManager.default.createDirectory(atPath: run, withIntermediateDirectories: false)
            try "strategy: {name: fedbuff}\n".write(
                toFile: run + "/config.yaml", atomically: true, encoding: .utf8)
            let table = try Program.run(["config", "diff", folder + "/a.yaml", run, "-o", "csv"])
            let rows = table.output.split(separator: "\n").map(String.init)
            #expect(table.code == 0 && rows.contains("8,federation.buffer_size,5"), "\(table)")
            #expect(rows.contains("pfpt-async,strategy.name,fedbuff") && rows.contains(",strategy.server_rate,0.0"))
            #expect(try Program.run(["config", "diff", run, run]).output == "no key differs\n")
            let none = try Program.run(["config", "diff", folder, run])
            #expect(none.code == 2 && none.errors.contains("expected a run folder"), "\(none.errors)")
        }
    }

    @Test func keysThatContradictEachOtherAreNamedTogether() throws {
        let outcome = try Program.run([
            "config", "check", "-s", "federation.heartbeat_seconds=9", "-s", "federation.mode=synchronous", "-s",
            "federation.quorum=11", "-s", "training.schedule=cosine",
        ])
        #expect(outcome.code == 2)
        for words in [
            "federation.heartbeat_seconds: expected at most half of federation.lease_seconds (10.0), found 9.0",
            "federation.quorum: expected at most federation.cohort (10), found 11",
            "training.schedule_versions: expected at least 1 with training.schedule cosine and run.versions 0",
        ] {
            #expect(outcome.errors.contains(words), "\(outcome.errors)")
        }
    }

    @Test func theEnvironmentSetsKeysOfStrategies() throws {
        let configuration = try RunConfiguration.load(
            files: [],
            environment: [
                "IMPROMPTU_STRATEGY__NAME": "pfpt-async", "IMPROMPTU_STRATEGY__BIRTH_DISTANCE": "0.75",
            ])
        #expect(configuration.yaml.contains("\n  birth_distance: 0.75\n"))
    }

    /// The same file and options give 'simulate' and 'aggregate' the same federation.
    @Test func theDemosFileHoldsTheDemosSettings() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = try RunConfiguration.load(files: [root.path + "/docs/demo.yaml"], environment: [:])
        let demo = try RunConfiguration.load(base: RunConfiguration.demo, files: [], environment: [:])
        #expect(file.yaml == demo.yaml)
    }
}
