import ArgumentParser
import Console
import Files
import Foundation
import Lab
import Text

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Writes a self-contained page with charts and tables of runs.",
        discussion: """
            Reads run folders, logs, and folders with run folders in them. Runs that differ only in their seeds are one \
            method, drawn as mean and standard deviation; methods on the same data are drawn side by side, and one run \
            of each is shown in detail. Runs that are named are replayed. Of a folder with many runs, one run of each \
            method is replayed, and the tables of the others are used. The page is light or dark as the reader's browser \
            is, and can be printed.

            impromptu report runs/first                            writes runs/first/report.html
            impromptu report runs/a runs/b --page both.html --markdown
            """)

    @Argument(
        help: ArgumentHelp("Run folders, logs, or folders of run folders.", valueName: "run"), completion: .directory)
    var paths: [String]

    @Option(
        help: ArgumentHelp(
            "The page; by default report.html in the run folder, or in the current folder for several runs.",
            valueName: "file"), completion: .file())
    var page: String?

    @Flag(help: "Also writes the tables as Markdown, beside the page.")
    var markdown = false

    @Option(
        name: .customLong("target"),
        help: ArgumentHelp(
            "A validation accuracy in %, to say when it was reached; repeatable.", valueName: "percent"))
    var targets: [Double] = []

    @Option(help: .version("The version whose matches are drawn; by default the last"))
    var modelVersion: Int?

    func validate() throws {
        if let wrong = targets.first(where: { !($0 > 0 && $0 <= 100) }) {
            throw ValidationError("--target: expected a percentage above 0, up to 100, found \(wrong)")
        }
    }

    func run() throws {
        let report = try Report(paths: paths, targets: targets.map { $0 / 100 }, version: modelVersion)
        let page = page ?? standardPath
        try AtomicFile.replace(page, with: report.html.utf8)
        try StandardOutput.write(page)
        guard markdown else { return }
        let stem = page.hasSuffix(".html") ? String(page.dropLast(5)) : page
        try AtomicFile.replace(stem + ".md", with: report.markdown.utf8)
        try StandardOutput.write(stem + ".md")
    }

    private var standardPath: String {
        guard paths.count == 1 else { return "report.html" }
        let folder = URL(fileURLWithPath: paths[0])
        return (Folder.exists(paths[0]) ? folder : folder.deletingLastPathComponent())
            .appendingPathComponent("report.html").relativePath
    }
}
