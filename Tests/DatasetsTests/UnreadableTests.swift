import Datasets
import Foundation
import Testing

/// Images that cannot be read: refused with a list, or left out and counted.
@Suite struct UnreadableTests {
    private let folder: TemporaryFolder
    private let sound: [UInt8]

    init() throws {
        folder = try TemporaryFolder()
        sound = [UInt8](
            try Data(contentsOf: Bundle.module.bundleURL.appendingPathComponent("Fixtures/colour.jpg")))
    }

    /// Two classes of ten sound images, and such as are none.
    private func make(_ bad: [String: [UInt8]]) throws {
        for name in ["owl", "wren"] {
            for image in 0..<10 { try folder.write("birds/\(name)/\(image).jpg", sound) }
        }
        for (name, bytes) in bad { try folder.write("birds/\(name)", bytes) }
    }

    private var bad: [String: [UInt8]] {
        [
            "owl/cut.jpg": Array(sound.dropLast(200)), "owl/empty.png": [], "wren/letter.jpg": Array("Dear".utf8),
            "wren/film.gif": Array("GIF89a".utf8),
        ]
    }

    private func files() throws -> ImageFiles { try .folder(folder.path + "/birds") }

    @Test func allOfThemAreListed() throws {
        try make(bad)
        let birds = folder.path + "/birds"
        #expect(
            refusal { try files().dataset(unreadable: .refuse) } == """
                birds: 4 of 24 images cannot be read:
                  \(birds)/owl/cut.jpg: byte 0: the JPEG data ends early, without the mark of its end
                  \(birds)/owl/empty.png: expected a JPEG or PNG file, found an empty file
                  \(birds)/wren/film.gif: expected a JPEG or PNG file, found a GIF file
                  \(birds)/wren/letter.jpg: expected a JPEG or PNG file, found text
                Repair or remove them, or leave them out with data.unreadable: skip.
                """)
    }

    @Test func aLongListIsCutShortAndCounted() throws {
        try make(Dictionary(uniqueKeysWithValues: (10..<40).map { ("owl/x\($0).jpg", []) }))
        let lines = refusal { try files().dataset(unreadable: .refuse) }.split(separator: "\n")
        #expect(lines.count == 13 && lines[0] == "birds: 30 of 50 images cannot be read:")
        #expect(lines[11] == "  and 20 more")
    }

    @Test func theyAreLeftOutAndCounted() throws {
        try make(bad)
        let dataset = try files().dataset(unreadable: .skip)
        #expect(dataset.count == 20 && dataset.unreadableImages().isEmpty)
        #expect(dataset.labels == (0..<20).map { $0 / 10 })
        let omission = try #require(dataset.omitted.first)
        #expect(omission.reason == .unreadable && omission.count == 4 && omission.examples.count == 4)
        #expect(
            omission.examples[0].hasSuffix("owl/cut.jpg: byte 0: the JPEG data ends early, without the mark of its end")
        )
    }

    @Test func theOthersAreDrawnForTheTestAsWithoutThem() throws {
        try make([:])
        func test() throws -> Set<String> {
            let dataset = try files().dataset(.test, unreadable: .skip)
            return Set((0..<dataset.count).map { dataset.place(of: $0) })
        }
        let whole = try test()
        #expect(whole.count == 4)
        let victim = try #require(whole.min())
        try Data().write(to: URL(fileURLWithPath: victim))
        #expect(try test() == whole.subtracting([victim]))
    }

    @Test func withoutAnyImageNothingIsLeft() throws {
        for name in ["owl", "wren"] { try folder.write("birds/\(name)/1.png", []) }
        #expect(refusal { try files().dataset(unreadable: .skip) }.hasPrefix("birds: 2 of 2 images cannot be read:"))
    }

    @Test func everyImageOrASampleIsTried() throws {
        try make(bad)
        let dataset = try files().dataset()
        #expect(dataset.count == 24 && dataset.unreadableImages().map(\.index) == [10, 11, 22, 23])
        #expect(dataset.unreadableImages(among: [23, 0, 10]).map(\.index) == [23, 10])
        #expect(dataset.unreadableImages(among: [99])[0].reason.contains("expected an image from 0 to 23, found 99"))
    }

    /// The name does not say what a file is.
    @Test func aFileIsReadByItsContent() throws {
        let png = [UInt8](try Data(contentsOf: Bundle.module.bundleURL.appendingPathComponent("Fixtures/gray.png")))
        try make(["owl/is-png.jpg": png, "wren/is-jpeg.tif": sound])
        #expect(try files().dataset(unreadable: .refuse).count == 22)
    }

    /// The superuser may read everything, so a dangling link and a folder stand in for what the system does not give out.
    @Test func whatTheSystemDoesNotGiveOutIsNamed() throws {
        try make([:])
        let file = folder.path + "/birds/owl/0.jpg"
        try FileManager.default.removeItem(atPath: file)
        try FileManager.default.createSymbolicLink(atPath: file, withDestinationPath: folder.path + "/nowhere.jpg")
        #expect(refusal { try files().dataset(unreadable: .refuse) }.contains("\(file): cannot be read: "))
        guard geteuid() != 0 else { return }
        #expect(chmod(folder.path + "/birds/owl", 0) == 0)
        defer { chmod(folder.path + "/birds/owl", 0o700) }
        #expect(refusal { try files() } == "\(folder.path)/birds/owl: cannot be read: Permission denied")
    }

    @Test func aNameOfADataSetTakesTheChoice() throws {
        try make(bad)
        let name = try #require(DatasetName("folder:birds"))
        let folders = DatasetFolders(given: folder.path)
        let split = KnownDataset.Split.train
        #expect(try name.load(split, from: folders).count == 20)
        #expect(refusal { try name.load(split, from: folders, unreadable: .refuse) }.contains("images cannot be read"))
        let readable = try name.load(split, from: folders, unreadable: .skip)
        #expect(readable.unreadableImages().isEmpty && readable.omitted.map(\.reason) == [.unreadable])
    }
}
