import Datasets
import Foundation
import Testing

@Suite struct ReaderTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private static let names = ["zero", "one", "two"]

    // MARK: IDX

    private func pair(_ images: [UInt8], _ labels: [UInt8]) throws -> ImageDataset {
        try ImageDataset.idx(
            name: "tiny", classNames: Self.names, images: folder.write("images", images),
            labels: folder.write("labels", labels))
    }

    @Test func idxFilesAreRead() throws {
        let dataset = try pair(idx([2, 2, 3], Array(1...12)), idx([2], [2, 0]))
        #expect(dataset.count == 2)
        #expect(dataset.labels == [2, 0])
        #expect(try dataset.shape(of: 0) == ImageShape(channels: 1, height: 2, width: 3))
        #expect(try dataset.pixels(of: 0) == Array(1...6))
        #expect(try dataset.pixels(of: 1) == Array(7...12))
    }

    @Test func anImageThatIsNotThereIsRefused() throws {
        let dataset = try pair(idx([2, 2, 3], Array(1...12)), idx([2], [2, 0]))
        for index in [-1, 2, .max] {
            #expect(refusal { try dataset.pixels(of: index) } == "tiny: expected an image from 0 to 1, found \(index)")
        }
    }

    @Test func damagedIDXFilesAreNamedWithTheirOffsets() throws {
        let images = idx([2, 2, 3], Array(1...12))
        let labels = idx([2], [2, 0])
        let cases: [(images: [UInt8], labels: [UInt8], sentence: String)] = [
            ([], labels, "images, byte 0: expected at least 4 bytes, found 0"),
            (
                labels, labels,
                "images, byte 0: expected IDX's magic number 0x00000803 (unsigned bytes of 3 dimensions), found 0x00000801"
            ),
            (
                images, images,
                "labels, byte 0: expected IDX's magic number 0x00000801 (unsigned bytes of 1 dimensions), found 0x00000803"
            ),
            (Array(images[..<10]), labels, "images, byte 10: expected at least 12 bytes, found 10"),
            (
                Array(images[..<27]), labels,
                "images, byte 27: expected 12 bytes of elements for 2 x 2 x 3, found 11"
            ),
            (images + [0], labels, "images, byte 28: expected 12 bytes of elements for 2 x 2 x 3, found 13"),
            (idx([2, 0, 3], []), labels, "images, byte 8: expected a usable extent, found 0"),
            (
                idx([0xffff_ffff, 0xffff_ffff, 0xffff_ffff], []), labels,
                "images, byte 8: expected a usable extent, found 4294967295"
            ),
            (
                images, idx([3], [2, 0, 1]),
                "labels, byte 4: expected a label for each of the 2 images of \(folder.path)/images, found 3"
            ),
            (images, idx([2], [2, 3]), "labels, byte 9: expected a label from 0 to 2, found 3"),
        ]
        for (images, labels, sentence) in cases {
            #expect(refusal { try pair(images, labels) } == "\(folder.path)/" + sentence)
        }
    }

    @Test func aMissingFileIsNamed() {
        let path = folder.path + "/none"
        let sentence = refusal {
            try ImageDataset.idx(name: "tiny", classNames: Self.names, images: path, labels: path)
        }
        #expect(sentence.hasPrefix("\(path): cannot be read: "))
    }

    // MARK: gzip

    @Test func damagedGzipIsNamedWithItsOffset() throws {
        let whole = Array(try Data(contentsOf: URL(fileURLWithPath: systemFile("t10k-labels-idx1-ubyte.gz"))))
        let names = KnownDataset.fashionMNIST.classNames
        func read(_ bytes: [UInt8]) -> String {
            refusal {
                let path = try folder.write("damaged.gz", bytes)
                return try ImageDataset.idx(name: "f", classNames: names, images: path, labels: path)
            }
        }
        #expect(
            read(whole).contains("expected IDX's magic number 0x00000803 (unsigned bytes of 3 dimensions)"),
            "the file is whole, so only its content is wrong")
        #expect(
            read(Array(whole[..<2000])).hasPrefix(
                "\(folder.path)/damaged.gz, byte 2000: the gzip data ends early, after "))
        #expect(
            read(whole + [1, 2, 3])
                == "\(folder.path)/damaged.gz, byte \(whole.count): "
                + "expected the end of the file after the gzip data, found 3 bytes")
        var flipped = whole
        flipped[whole.count - 5] ^= 0xff
        #expect(
            read(flipped).contains("damaged gzip data: incorrect length check")
                || read(flipped).contains("damaged gzip data: incorrect data check"))
        #expect(
            read([0x1f, 0x8b])
                == "\(folder.path)/damaged.gz, byte 2: the gzip data ends early, after 0 bytes of content")
        for offset in stride(from: 12, to: whole.count - 8, by: 397) {
            var damaged = whole
            damaged[offset] ^= 0x55
            #expect(!read(damaged).isEmpty)
        }
    }

    // MARK: Fashion-MNIST

    private func systemFile(_ name: String) -> String { DatasetFolders.system + "/fashion-mnist/" + name }

    @Test func fashionMNISTIsRead() throws {
        let system = DatasetFolders(folders: [DatasetFolders.system])
        let train = try KnownDataset.fashionMNIST.load(.train, from: system)
        let test = try KnownDataset.fashionMNIST.load(.test, from: system)
        #expect(train.count == 60_000)
        #expect(test.count == 10_000)
        #expect(try train.shape(of: 0) == ImageShape(channels: 1, height: 28, width: 28))
        for label in 0..<10 {
            #expect(train.labels.count { $0 == label } == 6_000)
            #expect(test.labels.count { $0 == label } == 1_000)
        }
        #expect(train.labels.prefix(5) == [9, 0, 0, 3, 0])
        let bright = try (0..<1_000).map { try train.pixels(of: $0).reduce(0) { $0 + Int($1) } }.reduce(0, +)
        // The mean of all training pixels is 72.94 (0.2860 in values from 0 to 1).
        #expect(abs(Double(bright) / Double(1_000 * 784) - 72.94) < 2)
    }

    // MARK: Records

    private func record(_ labels: [UInt8], _ pixels: Int, fill: UInt8) -> [UInt8] {
        labels + [UInt8](repeating: fill, count: pixels)
    }

    @Test func recordsAreReadFromSeveralFiles() throws {
        let first = try folder.write("a.bin", record([1], 12, fill: 10) + record([2], 12, fill: 20))
        let second = try folder.write("b.bin", record([0], 12, fill: 30))
        let dataset = try ImageDataset.records(
            name: "tiny", classNames: Self.names, files: [first, second], height: 2, width: 2, channels: 3)
        #expect(dataset.labels == [1, 2, 0])
        for index in 0..<3 {
            #expect(try dataset.pixels(of: index) == [UInt8](repeating: UInt8(10 * (index + 1)), count: 12))
        }
    }

    @Test func damagedRecordsAreNamedWithTheirOffsets() throws {
        let whole = record([1], 4, fill: 0) + record([2], 4, fill: 0)
        func read(_ bytes: [UInt8]) -> String {
            refusal {
                try ImageDataset.records(
                    name: "tiny", classNames: Self.names, files: [folder.write("a.bin", bytes)], height: 2, width: 2,
                    channels: 1)
            }
        }
        let file = folder.path + "/a.bin"
        #expect(read(whole + [0, 0]) == "\(file), byte 10: expected whole records of 5 bytes, found 2 bytes")
        #expect(read([]) == "\(file), byte 0: expected whole records of 5 bytes, found 0 bytes")
        #expect(
            read(whole + record([3], 4, fill: 0)) == "\(file), byte 10: expected a label from 0 to 2, found 3")
    }

    @Test func cifarIsReadInBothLayouts() throws {
        for batch in 1...5 {
            try folder.write("cifar10/data_batch_\(batch).bin", record([UInt8(batch)], 3_072, fill: UInt8(batch)))
        }
        try folder.write("cifar10/test_batch.bin", record([9], 3_072, fill: 9))
        try folder.write("small/train.bin", record([3], 3_072, fill: 1) + record([4], 3_072, fill: 2))
        try folder.write("cifar100/test.bin", record([0, 99], 3_072, fill: 7))
        let here = DatasetFolders(folders: [folder.path])
        let train = try KnownDataset.cifar10.load(.train, from: here)
        #expect(train.labels == [1, 2, 3, 4, 5])
        #expect(try train.pixels(of: 4) == [UInt8](repeating: 5, count: 3_072))
        #expect(try KnownDataset.cifar10.load(.test, from: here).labels == [9])
        let small = DatasetFolders(folders: [folder.path + "/small"])
        #expect(try KnownDataset.cifar10.load(.train, from: small).labels == [3, 4])
        let hundred = try KnownDataset.cifar100.load(.test, from: here)
        #expect(hundred.labels == [99])
        #expect(hundred.classNames[99] == "worm")
    }

    // MARK: Looking for files

    @Test func everyKnownDatasetNamesItsClasses() {
        let counts = KnownDataset.allCases.map(\.classNames.count)
        #expect(counts == [10, 10, 10, 10, 100, 7, 77, 6, 2])
    }

    /// A folder that is the only one would otherwise be read in place of the one that the path names.
    @Test(arguments: [
        "folder:/srv/scans", "texts:/srv/notes", "arrays:/srv/arrays", "records:/srv/records:2x1x1x1", "folder:~/scans",
    ])
    func aPathIsNoName(_ name: String) {
        let sentence = refusal {
            try DatasetName(name)!.load(.train, from: DatasetFolders(given: DatasetFolders.system))
        }
        #expect(sentence.contains("expected the name of a folder in data.path after the colon, found a path"))
    }

    @Test func aMissingDatasetIsExplained() {
        let sentence = refusal {
            try KnownDataset.fashionMNIST.load(.test, from: DatasetFolders(folders: ["/a", "/b"]))
        }
        #expect(
            sentence
                == "the data set 'fashion-mnist' was not found: looked for t10k-images-idx3-ubyte and "
                + "t10k-labels-idx1-ubyte (also with .gz) in /a/fashion-mnist, /a, /b/fashion-mnist, /b. Deploy/setup "
                + "or 'apt install dataset-fashion-mnist' provides it; IMPROMPTU_DATA names other folders.")
    }

    @Test func foldersAreSearchedInOrder() {
        let environment = [DatasetFolders.variable: "/x:/y"]
        #expect(DatasetFolders(given: "/mine", environment: environment).folders == ["/mine"])
        #expect(DatasetFolders(environment: environment).folders == ["/x", "/y", DatasetFolders.system])
        #expect(DatasetFolders(environment: [:]).folders == [DatasetFolders.system])
    }
}

/// The sentence of the error that `body` throws.
func refusal(_ body: () throws -> some Any) -> String {
    do {
        return "no refusal but \(try body())"
    } catch {
        return "\(error)"
    }
}
