import Datasets
import Foundation
import Testing

/// Images in safetensors files.
@Suite struct ArraysTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A file of two tensors, their bytes one after the other.
    private func write(_ split: String, shape: [Int], type: String = "U8", labels: [UInt8], labelShape: [Int]? = nil)
        throws
    {
        let size = shape.reduce(1, *)
        let header = """
            {"images":{"dtype":"\(type)","shape":\(shape),"data_offsets":[0,\(size)]},\
            "labels":{"dtype":"U8","shape":\(labelShape ?? [labels.count]),"data_offsets":[\(size),\(size + labels.count)]}}
            """
        let length = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
        try folder.write(
            "\(split).safetensors", length + Array(header.utf8) + (0..<size).map { UInt8($0 % 256) } + labels)
    }

    private func load(_ split: KnownDataset.Split = .train) throws -> ImageDataset {
        try DatasetName("arrays:tiny")!.load(split, from: DatasetFolders(given: folder.path))
    }

    @Test func channelsMayStandFirstOrLastOrNowhere() throws {
        try write("train", shape: [2, 2, 4, 3], labels: [1, 0])
        var dataset = try load()
        #expect(dataset.labels == [1, 0] && dataset.classNames == ["0", "1"])
        #expect(try dataset.shape(of: 0) == ImageShape(channels: 3, height: 2, width: 4))
        let second: [UInt8] = (0..<3).flatMap { channel in (0..<8).map { pixel -> UInt8 in 24 + 3 * pixel + channel } }
        #expect(try dataset.pixels(of: 1) == second)
        try write("train", shape: [2, 3, 2, 4], labels: [1, 0])
        dataset = try load()
        #expect(try dataset.pixels(of: 1) == (24..<48).map(UInt8.init))
        try write("train", shape: [2, 5, 4], labels: [1, 0])
        #expect(try load().shape(of: 0) == ImageShape(channels: 1, height: 5, width: 4))
    }

    @Test func classesAreThoseOfTheTrainingSplit() throws {
        try write("train", shape: [2, 2, 2, 3], labels: [4, 0])
        try write("test", shape: [1, 2, 2, 3], labels: [2])
        #expect(try load(.test).classCount == 5)
        try write("test", shape: [1, 2, 2, 3], labels: [5])
        #expect(
            refusal { try load(.test) }.contains(
                "test.safetensors, byte 0: expected labels from 0 to 4, found 5 for image 0"))
    }

    @Test func whatDoesNotFitIsExplained() throws {
        try write("train", shape: [2, 2, 2, 2], labels: [0, 1])
        #expect(refusal { try load() }.contains("with 1 or 3 channels for as many labels, found [2, 2, 2, 2]"))
        try write("train", shape: [2, 2, 2, 3], labels: [0, 1, 1])
        #expect(refusal { try load() }.contains("expected images [3, height, width, channels]"))
        try write("train", shape: [2, 2, 2, 3], type: "I8", labels: [0, 1])
        #expect(refusal { try load() }.contains("tensor 'images': expected elements of type U8, found I8"))
        try write("train", shape: [2, 2, 2, 3], labels: [0, 1], labelShape: [2, 1])
        #expect(refusal { try load() }.contains("expected labels [images], found [2, 1]"))
        #expect(refusal { try load(.test) }.contains("test.safetensors"))
    }
}
