import Charts
import Federation
import Foundation
import FoundationXML
import Lab
import PromptAggregation
import RunLog
import TestSupport
import Testing
import Text

/// A report of real runs: well-formed, with every figure and as many marks in each as the run has things to show.
@Suite(.serialized) struct ReportTests {
    @Test func aRunIsDrawnWithAllThatItsLogTells() throws {
        try withTemporaryFolder { folder in
            let run = try simulateSmallRun(
                folder + "/first", ["run.updates=16", "federation.clients_to_start=4", "encoder.image_size=16"])
            let inspection = try RunInspection(log: run.log)
            let page = try ParsedPage(Report(paths: [run.path]).html)
            #expect(
                page.charts.keys.sorted() == [
                    "Accuracy by the clock", "Accuracy by updates",
                    "How the pool's prompts moved from where they began",
                    "Influence: share of the weight that moved versions",
                    "Prompts in the pool", "Staleness of the updates used",
                    "The pool's prompts from version to version",
                    "Training loss reported by the clients", "Updates used, by client over time",
                    "What each client has: samples by class",
                    "Which of the pool's prompts are neighbours, from version to version",
                    "Which prompts each client shaped, over the run",
                    "Which prompts of the clients made which of version \(inspection.version)",
                ])
            func count(_ chart: String, _ style: String) throws -> Int {
                try #require(page.charts[chart]).count { $0.styles.contains(style) }
            }
            let evaluations =
                try String(contentsOfFile: run.evaluations, encoding: .utf8).split(separator: "\n").count - 1
            #expect(try count("Accuracy by updates", "spot") == evaluations)
            #expect(try count("Accuracy by the clock", "spot") == evaluations)
            #expect(try count("Accuracy by updates", "reference") == 1)
            #expect(try count("Prompts in the pool", "spot") == inspection.versions.count)
            #expect(try count("Training loss reported by the clients", "spot") == inspection.versions.count)

            let parts = inspection.versions.flatMap(\.updates)
            #expect(try count("Staleness of the updates used", "bar") == parts.map(\.staleness).max()! + 1)
            #expect(try count("Influence: share of the weight that moved versions", "bar") == 4)
            let used = page.charts["Updates used, by client over time"]!.filter { $0.styles.contains("cell") }
            #expect(used.map { $0.lastNumber }.reduce(0, +) == parts.count)
            let images = page.charts["What each client has: samples by class"]!.filter { $0.styles.contains("cell") }
            #expect(images.map { $0.lastNumber }.reduce(0, +) == 200)

            var prompts: Set<UInt64> = []
            _ = try Replay(path: run.log) { step in
                if case .effect(.publishVersion(let version)) = step { prompts.formUnion(version.state.promptIDs) }
            }
            for trails in [
                "The pool's prompts from version to version", "How the pool's prompts moved from where they began",
                "Which of the pool's prompts are neighbours, from version to version",
            ] {
                // The legend has one of each.
                #expect(try count(trails, "ring") == prompts.count + 1)
                #expect(try count(trails, "dot") == inspection.versions.last!.pool + 1)
            }
            let last = try #require(
                page.charts["Which prompts of the clients made which of version \(inspection.version)"])
            #expect(last.contains { $0.styles.contains("cell") && $0.tip.contains("matched with") })
        }
    }

    @Test func methodsAreComparedOverTheirSeeds() throws {
        try withTemporaryFolder { folder in
            for (name, settings) in [
                ("a1", ["strategy.name=fedavg", "run.seed=1"]), ("a2", ["strategy.name=fedavg", "run.seed=2"]),
                ("b1", ["strategy.name=pfpt-async", "run.seed=1"]), ("b2", ["strategy.name=pfpt-async", "run.seed=2"]),
                ("c1", ["strategy.name=fedavg", "run.seed=1", "federation.buffer_size=3"]),
            ] {
                _ = try simulateSmallRun(
                    "\(folder)/runs/\(name)", settings + ["run.updates=8", "encoder.image_size=16"])
            }
            let report = try Report(paths: [folder + "/runs"], targets: [0.01])
            let page = try ParsedPage(report.html)
            let accuracy = try #require(page.charts["Accuracy by updates"])
            #expect(accuracy.count { $0.styles.contains("band") } == 2)
            #expect(accuracy.count { $0.name == "polyline" } == 3)
            let rows = report.markdown.split(separator: "\n").filter { $0.hasPrefix("| ") }
            #expect(rows.contains { $0.hasPrefix("| fedavg, buffered, buffer size 2 | 2 | ") && $0.contains(" ± ") })
            #expect(rows.contains { $0.hasPrefix("| fedavg, buffered, buffer size 3 | 1 | ") && !$0.contains(" ± ") })
            #expect(rows.contains { $0.hasPrefix("| pfpt-async, buffered | 2 | ") })
            #expect(rows[0].contains("| seconds to 1 % |"))
            #expect(rows.contains { $0.hasPrefix("| a1 | fedavg") && $0.hasSuffix("| all 5 |") })
            #expect(rows.contains { $0.hasPrefix("| a2 | fedavg") && $0.hasSuffix("| not replayed |") })
            #expect(try Report(paths: [folder + "/runs"], targets: [0.01]).html == report.html)
        }
    }

    @Test func namesFromOutsideStayText() throws {
        try withTemporaryFolder { folder in
            let name = "<script>alert('1')<|script> & \"<b>\""
            let run = try simulateSmallRun("\(folder)/\(name)", ["run.updates=4", "encoder.image_size=16"])
            let report = try Report(paths: [run.path])
            let page = try ParsedPage(report.html)
            #expect(page.elements["script"] == nil && page.elements["b"] == nil)
            #expect(page.text.contains(name))
            #expect(!report.markdown.contains("<") && report.markdown.contains("&lt;\\|script&gt;"))

            let hostile = "\u{0}<script>\u{1b}\"'&"
            #expect(Markup.escape(hostile) == "\u{fffd}&lt;script&gt;\u{fffd}&quot;&#39;&amp;")
            let chart = Chart(
                title: hostile, summary: hostile, x: .labels([hostile], title: hostile),
                y: .labels([hostile], title: hostile), marks: [ReferenceMarks(value: 0, label: hostile)],
                keys: [.init(symbol: .dot, style: "s0", text: hostile)])
            #expect(try ParsedPage(chart.svg).elements["script"] == nil)
            var table = TextTable([hostile])
            table.add(["a|b\n<i>"])
            #expect(try ParsedPage(table.html).elements["script"] == nil)
            #expect(table.markdown.hasSuffix("| a\\|b &lt;i&gt; |"))
            #expect(table.lines.map { $0.trimmingCharacters(in: .whitespaces) }.first == #"\u{0}<script>\u{1b}"'&"#)
            #expect(table.lines.last?.hasPrefix(#"a|b\u{a}<i>"#) == true)
        }
    }

    @Test func whatCannotBeReportedIsNamed() throws {
        try withTemporaryFolder { folder in
            #expect(
                throws: ReportError(
                    "\(folder)/no: not found; expected a run folder, its log, or a folder of run folders")
            ) {
                try Report(paths: [folder + "/no"])
            }
            #expect(throws: ReportError("\(folder): expected a run's log in it or in a folder below it, found none")) {
                try Report(paths: [folder])
            }
            let run = try simulateSmallRun(folder + "/run", ["run.updates=4", "encoder.image_size=16"])
            #expect(throws: ReplayError("\(run.log): expected a version from 1 to 2, found 77")) {
                try Report(paths: [run.path], version: 77)
            }
        }
    }
}

/// What a parser of XML finds in a page or a chart.
private final class ParsedPage: NSObject, XMLParserDelegate {
    struct Mark {
        var name: String
        var styles: [String]
        var tip = ""

        /// The last whole number of its tip: "client-03, 2 to 4 seconds: 5 updates used".
        var lastNumber: Int { Int(tip.split { !$0.isNumber }.last ?? "") ?? 0 }
    }

    private(set) var elements: [String: Int] = [:]
    /// The marks of each chart, by the first sentence of its label.
    private(set) var charts: [String: [Mark]] = [:]
    private(set) var text = ""
    private var chart: String?
    private var open: [Mark] = []

    init(_ markup: String) throws {
        super.init()
        let parser = XMLParser(data: Data(markup.utf8))
        parser.delegate = self
        let isWhole = parser.parse()
        try #require(isWhole, "\(String(describing: parser.parserError)) in line \(parser.lineNumber)")
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        elements[name, default: 0] += 1
        if name == "svg" {
            #expect(attributes["role"] == "img")
            chart = attributes["aria-label"]?.components(separatedBy: ". ")[0]
            charts[chart!] = []
        }
        open.append(Mark(name: name, styles: (attributes["class"] ?? "").split(separator: " ").map(String.init)))
    }

    func parser(_ parser: XMLParser, foundCharacters characters: String) {
        text += characters
        if open.last?.name == "title", open.count > 1 { open[open.count - 2].tip += characters }
    }

    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
        let mark = open.removeLast()
        if name == "svg" { chart = nil }
        if let chart { charts[chart]!.append(mark) }
    }
}
