import Datasets
import FederationRun
import Files
import Foundation
import RunLog
import RunSettings
import Text

/// A few images of a run's test split as files, with a manifest of their classes, for `impromptu predict`.
struct SampleImages {
    /// How many are written at most.
    static let most = 10

    let manifest: String

    /// Writes the first images of the test split into a folder.
    /// - Throws: `DatasetError`, or `FileError` where the folder cannot be written.
    init(of source: RunConfiguration.DataSource, in folder: String) throws {
        let (images, chosen) = try DataDivision.test(source)
        try RunFolder(path: folder).create()
        var rows = [CSV.row(["path", "label"])]
        for (place, index) in chosen.prefix(Self.most).enumerated() {
            let name = "\(place).png"
            let bytes = try images.withPixels(of: index) { pixels, shape in
                Result { () throws(DatasetError) in
                    try PNGWriter.bytes(of: pixels, shape, name: images.place(of: index))
                }
            }.get()
            try AtomicFile.replace(folder + "/" + name, with: bytes)
            rows.append(CSV.row([name, images.classNames[images.labels[index]]]))
        }
        manifest = folder + "/images.csv"
        try AtomicFile.replace(manifest, with: (rows.joined(separator: "\n") + "\n").utf8)
    }
}
