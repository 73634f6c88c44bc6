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
            --to replays the log and writes into a folder: versions.csv, updates.csv (every update and what became of it), \
            clients.csv, evaluations.csv where the run folder has one, and the prompts and head of a version as \
            prompts-<version>.safetensors.

            --bundle writes a folder for others: the prompts of a version, the newest unless --version names one, the \
            description of the model as model.json, and a README.md with the lines that use them.

            --tensorboard and --mlflow write accuracy, loss, staleness and pool by version and by time, each client's \
            accuracy, and the configuration as parameters. Several runs may go into one folder; a run that is exported \
            again takes the place of its earlier export.

            impromptu export runs/first --tensorboard curves && tensorboard --logdir curves
            impromptu export runs/first --mlflow mlruns && mlflow ui --backend-store-uri mlruns
            """)

    @Argument(help: ArgumentHelp("A run folder, or one file of its log.", valueName: "run"))
    var path: String

    @Option(help: ArgumentHelp("Writes tables and prompts into this folder.", valueName: "folder"))
    var to: String?

    @Option(help: ArgumentHelp("Writes a bundle into this folder.", valueName: "folder"))
    var bundle: String?

    @Option(help: ArgumentHelp("Writes an event file into <folder>/<run>.", valueName: "folder"))
    var tensorboard: String?

    @Option(help: ArgumentHelp("Writes a run into this file store of MLflow.", valueName: "folder"))
    var mlflow: String?

    @Option(
        name: .customLong("version"),
        help: ArgumentHelp(
            "A version whose prompts to write; repeatable with --to, the last one unless given.", valueName: "number"))
    var versions: [Int] = []

    func validate() throws {
        guard [to, bundle, tensorboard, mlflow].contains(where: { $0 != nil }) else {
            throw ValidationError("expected --to, --bundle, --tensorboard or --mlflow, found none")
        }
        guard bundle == nil || versions.count <= 1 else {
            throw ValidationError("--bundle: expected at most one --version, found \(versions.count)")
        }
    }

    func run() throws {
        var written: [String] = []
        if let to { written += try RunExport.write(log: path, to: to, versions: versions) }
        if let bundle {
            let folder = RunFolder.folder(ofLog: path)
            let tuned = try TunedModel(versions.first.map { "\(folder):\($0)" } ?? folder)
            written += try PromptsBundle.write(tuned, to: bundle)
        }
        if tensorboard != nil || mlflow != nil {
            let curves = try ExportedCurves(log: path)
            if let tensorboard { written.append(try TensorBoardExport.write(curves, to: tensorboard)) }
            if let mlflow { written.append(try MLflowExport.write(curves, to: mlflow)) }
        }
        for file in written { try StandardOutput.write(file) }
    }
}
