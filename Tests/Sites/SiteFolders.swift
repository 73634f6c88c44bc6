import Foundation
import TestSupport

/// Image folders of made-up hospitals: classes that differ by their colour, so that a small run learns them.
struct SiteFolders {
    static let classes = ["glioma", "meningioma", "no tumor", "pituitary"]

    let path: String

    /// Writes pictures of 32 x 32 pixels into `site/class`, one folder for each class named.
    /// - Parameter counts: images by the class's name; those of a name that is no class of the federation are red.
    func make(_ site: String, _ counts: [String: Int]) throws {
        for (name, count) in counts.sorted(by: { $0.key < $1.key }) {
            let folder = "\(path)/\(site)/\(name)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let place = Self.classes.firstIndex(of: name) ?? 0
            for number in 0..<count {
                let seed = UInt64(place * 10_000 + number) &+ UInt64(site.utf8.reduce(0) { $0 &* 31 &+ UInt64($1) })
                let picture = PlainPNG.picture(hue: Double(place) / Double(Self.classes.count), seed: seed)
                try Data(picture).write(to: URL(fileURLWithPath: "\(folder)/\(String(format: "%04d", number + 1)).png"))
            }
        }
    }

    func write(_ file: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(file)"))
    }
}
