import ArgumentParser
import Console
import Lab
import RunLog
import Text

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Writes a run as CSV and safetensors, a bundle to predict with, or curves for other tools.",
        discussion: """
            tables: versions.csv, updates.csv (every update and what became of it), clients.csv, evaluations.csv where the \
            run folder has one, and the prompts and head of a version as prompts-<version>.safetensors.

            bundle: a folder for others with the prompts of a version, the description of the model as model.json, and a \
            README.md with the lines that use them.

            tensorboard, mlflow: accuracy, loss, staleness and pool by version and by time, each client's accuracy, and \
            the configuration as parameters. Several runs may go into one folder; a run that is exported again takes the \
            place of its earlier export.

            impromptu export runs/first figures
            impromptu export runs/first curves --format tensorboard && tensorboard --logdir curves
            impromptu export runs/first mlruns --format mlflow && mlflow ui --backend-store-uri mlruns
            """)

    @Argument(help: .recordedRun, completion: .file())
    var path: String

    @Argument(help: ArgumentHelp("The folder to write into.", valueName: "folder"), completion: .directory)
    var folder: String

    enum Format: String, ExpressibleByArgument, CaseIterable { case tables, bundle, tensorboard, mlflow }

    @Option(help: ArgumentHelp("What to write.", valueName: "format"))
    var format = Format.tables

    @Option(
        name: .customLong("model-version"),
        help: .version("A version whose prompts to write; repeatable with tables; by default the last"))
    var versions: [Int] = []

    func validate() throws {
        let most =
            switch format {
            case .tables: Int.max
            case .bundle: 1
            case .tensorboard, .mlflow: 0
            }
        guard versions.count <= most else {
            throw ValidationError(
                "--model-version: expected at most \(most) with --format \(format), found \(versions.count)")
        }
    }

    func run() throws {
        switch format {
        case .tables:
            let written = try RunExport.write(log: path, to: folder, versions: versions)
            try show(written.files, of: written.beginning)
        case .bundle:
            let run = RunFolder.folder(ofLog: path)
            try show(PromptsBundle.write(TunedModel(versions.first.map { "\(run):\($0)" } ?? run), to: folder))
        case .tensorboard: try showCurves(TensorBoardExport.write)
        case .mlflow: try showCurves(MLflowExport.write)
        }
    }

    private func showCurves(_ write: (ExportedCurves, String) throws -> String) throws {
        let curves = try ExportedCurves(log: path)
        try show([write(curves, folder)], of: curves.beginning)
    }

    /// - Parameter beginning: of a log that begins in the middle of its run. A line beside the files' names says so.
    private func show(_ files: [String], of beginning: Replay.Beginning? = nil) throws {
        if let beginning {
            StandardError.write("impromptu: the log \(beginning.words), and what is exported begins there\n")
        }
        for file in files { try StandardOutput.write(file) }
    }
}
