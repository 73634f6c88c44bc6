import ArgumentParser
import Console
import Datasets
import FederationRun
import Foundation
import Lab
import RunLog
import RunSettings
import Text

struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data",
        abstract: "Describes a data set, and shows how it is divided over clients.",
        discussion: """
            Reads every image: counts by class and split, sizes, and what cannot be read, with the files' names. With \
            --picture or --sizes it also divides the training split over clients, as a run with the same --config and \
            --set does (data.clients, data.partition, data.alpha, data.seed …).

            The data set is a value of data.dataset (cifar10, folder:NAME, texts:NAME, arrays:NAME, several joined by \
            '+'), or a folder with train.safetensors, with folders of images, or with texts (train.csv or the like).
            """)

    @Argument(help: ArgumentHelp("The data set, or its folder.", valueName: "data-set"), completion: .file())
    var dataset: String

    @OptionGroup var options: ConfigurationOptions

    @Option(
        help: ArgumentHelp("Writes the partition over clients as a picture (SVG).", valueName: "file"),
        completion: .file())
    var picture: String?

    @Option(
        help: ArgumentHelp("Writes each client's samples by class as a table (CSV).", valueName: "file"),
        completion: .file())
    var sizes: String?

    @Flag(help: "Divides the data set without reading every image.")
    var skipImages = false

    func run() throws {
        let configuration = try RunConfiguration.load(
            files: options.files, assignments: options.settings.assignments + place())
        if !skipImages {
            let description = try DatasetDescription(of: configuration)
            try StandardOutput.write(description.lines.joined(separator: "\n"))
            if description.isDamaged { throw DamageFound(description: "\(dataset): some images cannot be read") }
        }
        guard picture != nil || sizes != nil else { return }
        let allotment = try Allotment(of: configuration)
        let data = configuration.data
        if let sizes { try write(allotment.csv, to: sizes) }
        if let picture {
            let law = data.partition == "dirichlet" ? "Dirichlet(\(data.alpha))" : data.partition
            try write(
                PartitionPicture.svg(
                    allotment, heading: "\(data.dataset), \(data.clients) clients, \(law), seed \(data.seed)"),
                to: picture)
        }
        let images = allotment.clients.map(\.images)
        try StandardOutput.write(
            "\n\(images.count) clients with \(images.min() ?? 0) to \(images.max() ?? 0) samples,"
                + " \(allotment.validation.images) to validate with, \(allotment.test.images) to test with")
    }

    /// What names the data set in a configuration.
    private func place() throws -> [String] {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: dataset, isDirectory: &isDirectory), isDirectory.boolValue else {
            guard DatasetName(dataset) != nil else {
                let near = suggestion(for: dataset, among: DatasetName.known)
                throw ValidationError(
                    "expected a folder, or \(DatasetName.expected); found neither a folder '\(dataset)' nor such a name\(near)"
                )
            }
            return ["data.dataset=\(dataset)"]
        }
        let name = URL(fileURLWithPath: dataset).lastPathComponent
        func has(_ file: String) -> Bool { FileManager.default.fileExists(atPath: "\(dataset)/\(file)") }
        if has("train.bin") || has("data_batch_1.bin") {
            throw ValidationError(
                "\(dataset): label bytes and pixels do not say which data set they are; name the data set, and its folder with"
                    + " --set data.path=\(dataset)")
        }
        let kind = has("train.safetensors") ? "arrays" : SiteImages.holdsTexts(dataset) ? "texts" : "folder"
        return ["data.path=\(dataset)", "data.dataset=\(kind):\(name)"]
    }

    private func write(_ text: String, to file: String) throws {
        try RunFolder(path: "").write(text, to: file)
        try StandardOutput.write(file)
    }
}

private struct DamageFound: Error, CustomStringConvertible {
    var description: String
}
