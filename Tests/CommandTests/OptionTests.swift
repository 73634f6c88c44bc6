import Foundation
import Testing

/// Options that a command would ignore are refused, and what it prints can be used again.
@Suite struct OptionTests {
    @Test(
        "simulate refuses options that it would ignore",
        arguments: [
            (["--faults", "--config", "/nowhere"], "--config: expected none with --faults"),
            (["--faults", "--set", "run.seed=3", "--json"], "--set, --json: expected none with --faults"),
            (["--faults", "--run", "runs/a"], "--run: expected none with --faults"),
            (["--seeds", "3"], "--seeds and --first-seed: expected --faults with them"),
            (["--first-seed", "3"], "--seeds and --first-seed: expected --faults with them"),
        ])
    func simulate(options: [String], problem: String) throws {
        let outcome = try Program.run(["simulate"] + options)
        #expect(outcome.code == 2 && outcome.output.isEmpty)
        #expect(outcome.errors.contains(problem), "\(outcome.errors)")
    }

    @Test(arguments: [
        ["--open-dashboard"], ["--dashboard-host", "a.example"], ["--dashboard", "--dashboard-host", "a:1"],
    ])
    func aDashboardsOptionsBelongToADashboard(options: [String]) throws {
        let outcome = try Program.run(["aggregate", "--print-config"] + options)
        #expect(outcome.code == 2 && outcome.errors.contains("--dashboard"), "\(outcome.errors)")
    }

    @Test(arguments: [
        ("0.3s", "heard no aggregator within 0.3 s", 1), ("300ms", "heard no aggregator within 0.3 s", 1),
        ("0.005m", "heard no aggregator within 0.3 s", 1), ("0.3", "heard no aggregator within 0.3 s", 1),
        ("25h", "--within: expected 0.1s to 24h, found 90000s", 2), ("1e3", "The value '1e3' is invalid", 2),
        ("-3s", "--within", 2), ("s", "The value 's' is invalid", 2), ("3 s", "The value '3 s' is invalid", 2),
        ("nan", "The value 'nan' is invalid", 2), ("5d", "The value '5d' is invalid", 2),
    ])
    func timesHaveUnits(text: String, words: String, code: Int32) throws {
        let outcome = try Program.run(["status", "tcp://127.0.0.1:9", "--within", text])
        #expect(outcome.code == code && outcome.errors.contains(words), "\(outcome.errors)")
    }

    @Test func strategiesAreShownWithTheirSettings() throws {
        let all = try Program.run(["strategies"])
        #expect(all.code == 0 && all.output.contains("pfpt-async  ") && all.output.contains("fedavg      "))
        let one = try Program.run(["strategies", "pfpt-async"])
        #expect(one.output.contains("strategy.patience\n    Flushes that a prompt survives without support."))
        #expect(one.output.contains("    a whole number from 0 to 1000000; default 10\n"))
        let unknown = try Program.run(["strategies", "pfpt-asink"])
        #expect(unknown.code == 2 && unknown.errors.contains("expected one of "))
        let json = try Program.run(["strategies", "fedopt", "--json"])
        let read = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]]
        #expect(read?.count == 1 && read?[0]["name"] as? String == "fedopt")
    }

    @Test func whatPrintConfigPrintsIsAConfiguration() throws {
        let first = try Program.run(["aggregate", "--print-config", "--set", "strategy.name=fedopt"])
        let file = NSTemporaryDirectory() + "printed-\(UUID().uuidString).yaml"
        try Data(first.output.utf8).write(to: URL(fileURLWithPath: file))
        defer { try? FileManager.default.removeItem(atPath: file) }
        let second = try Program.run(["aggregate", "--print-config", "--config", file])
        #expect(second.code == 0 && second.output == first.output)
    }
}
