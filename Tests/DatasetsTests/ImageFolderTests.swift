import Datasets
import Foundation
import Testing

/// Image files and the layouts of folders that they come in.
@Suite struct ImageFolderTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private static func fixture(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: Bundle.module.bundleURL.appendingPathComponent("Fixtures/\(name)")))
    }

    private func put(_ fixture: String, at path: String) throws { try folder.write(path, Self.fixture(fixture)) }

    private func load(_ split: KnownDataset.Split = .train) throws -> ImageDataset {
        try DatasetName("folder:tiny")!.load(split, from: DatasetFolders(given: folder.path))
    }

    @Test(
        "files are decoded as Pillow decodes them",
        arguments: ["colour.png", "gray.png", "palette.png", "colour.jpg", "gray.jpg", "progressive.jpg"])
    func decoding(name: String) throws {
        try put(name, at: "train/a/\(name)")
        try put(name, at: "test/a/\(name)")
        let dataset = try load()
        let expected = try Self.fixture(name + ".raw")
        let channels = name.hasPrefix("gray") ? 1 : 3
        #expect(try dataset.shape(of: 0) == ImageShape(channels: channels, height: 12, width: 10))
        let pixels = try dataset.pixels(of: 0)
        #expect(pixels.count == expected.count)
        let most = name.hasSuffix("png") ? 0 : 4
        #expect(zip(pixels, expected).allSatisfy { abs(Int($0) - Int($1)) <= most })
    }

    @Test func classesLieInFoldersOfTheirOwn() throws {
        for (path, name) in [
            ("train/cat/1.png", "gray.png"), ("train/cat/2.jpg", "colour.jpg"), ("train/dog/1.PNG", "colour.png"),
        ] {
            try put(name, at: path)
        }
        try put("gray.jpg", at: "test/dog/9.JPEG")
        try put("gray.jpg", at: "test/cat/8.JPEG")
        let train = try load()
        #expect(train.classNames == ["cat", "dog"] && train.labels == [0, 0, 1])
        #expect(try train.shape(of: 1).channels == 3 && train.shape(of: 0).channels == 1)
        #expect(train.place(of: 2) == folder.path + "/train/dog/1.PNG")
        let test = try load(.test)
        #expect(test.labels == [0, 1])
        let prepared = try PreparedImages(train, transform: ImageTransform(size: 8))
        var values = [Float](repeating: .nan, count: 3 * 8 * 8)
        for index in 0..<3 {
            try values.withUnsafeMutableBufferPointer { try prepared.copyImage(index, into: $0) }
            #expect(values.allSatisfy { abs($0) <= 1 })
        }
    }

    @Test func tinyImageNetsOwnLayoutIsRead() throws {
        for name in ["n01", "n02"] { try put("colour.jpg", at: "train/\(name)/images/\(name)_0.JPEG") }
        try put("gray.jpg", at: "test/images/test_0.JPEG")
        for image in 0..<3 { try put("gray.jpg", at: "val/images/val_\(image).JPEG") }
        let lines = ["val_0.JPEG\tn02\t0\t0\t9\t9", "val_1.JPEG\tn01\t0\t0\t9\t9", "val_2.JPEG\tn02\t0\t0\t9\t9"]
        try folder.write("val/val_annotations.txt", Array(lines.joined(separator: "\n").utf8))
        #expect(try load().labels == [0, 1])
        let test = try load(.test)
        #expect(test.labels == [1, 0, 1])
        #expect(test.place(of: 1).contains("val/images/val_1.JPEG ("))
        try folder.write("val/val_annotations.txt", Array("val_0.JPEG n02\n".utf8))
        #expect(refusal { try load(.test) }.contains("val_annotations.txt:1: expected a file's name, a tab"))
    }

    @Test func withoutASplitAFifthIsTheTest() throws {
        for name in ["a", "b"] { for image in 0..<10 { try put("gray.png", at: "\(name)/\(image).png") } }
        let (train, test) = (try load(), try load(.test))
        #expect(train.labels.count == 16 && test.labels == [0, 0, 1, 1])
        let files = (0..<train.count).map { train.place(of: $0) } + (0..<test.count).map { test.place(of: $0) }
        #expect(Set(files).count == 20)
        #expect(try load(.test).place(of: 0) == test.place(of: 0))
    }

    @Test func domainsShareTheirClasses() throws {
        for domain in ["photo", "sketch"] {
            for name in ["dog", "horse"] {
                for image in 0..<5 { try put("gray.png", at: "\(domain)/\(name)/\(image).png") }
            }
        }
        let train = try load()
        #expect(train.classNames == ["dog", "horse"] && train.count == 16)
        #expect(train.sources.map(\.name) == ["photo", "sketch"])
        #expect(train.sources.map(\.classes) == [0..<2, 0..<2])
        let parts = try train.partition(nil, .iid, bySource: true, clients: 4, seed: 1)
        #expect(parts.map { Set($0.map { $0 < 8 }) } == [[true], [true], [false], [false]])
        try put("gray.png", at: "sketch/zebra/0.png")
        #expect(
            refusal { try load() }.contains(
                "'photo' holds folders dog, horse, but 'sketch' dog, horse, zebra"))
    }

    @Test func aFolderWithoutImagesIsExplained() throws {
        #expect(refusal { try load() }.contains("expected folders of images by class"))
        try put("gray.png", at: "train/a/0.png")
        #expect(try load().count == 1)
        #expect(refusal { try load(.test) } == "\(folder.path): expected images of the split test, found none")
        try FileManager.default.createDirectory(atPath: folder.path + "/test/a", withIntermediateDirectories: true)
        #expect(refusal { try load(.test) } == "\(folder.path): expected images of the split test, found none")
    }
}
