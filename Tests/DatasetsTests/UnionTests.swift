import Datasets
import Foundation
import PromptAggregation
import Testing

/// Data sets put together from several, and what is drawn from them.
@Suite struct UnionTests {
    private let folder: TemporaryFolder
    private let union: ImageDataset

    /// 60 gray images of two classes and 90 in colour of three.
    init() throws {
        folder = try TemporaryFolder()
        let first: [UInt8] = (0..<60).flatMap { (image: UInt8) -> [UInt8] in [image % 2, image] }
        let second: [UInt8] = (0..<90).flatMap { (image: UInt8) -> [UInt8] in
            [image % 3] + [UInt8](repeating: 100 + image, count: 12)
        }
        try folder.write("one/train.bin", first)
        try folder.write("two/train.bin", second)
        union = try DatasetName("records:one:2x1x1x1+records:two:3x3x2x2")!.load(
            .train, from: DatasetFolders(given: folder.path))
    }

    @Test func classesComeOneAfterTheOther() throws {
        #expect(union.count == 150)
        #expect(union.classNames == ["one: 0", "one: 1", "two: 0", "two: 1", "two: 2"])
        #expect(union.sources.map(\.classes) == [0..<2, 2..<5] && union.sources.map(\.images) == [0..<60, 60..<150])
        #expect(union.labels[3] == 1 && union.labels[60] == 2 && union.labels[149] == 4)
        #expect(try union.pixels(of: 59) == [59])
        #expect(try union.pixels(of: 61) == [UInt8](repeating: 101, count: 12))
        #expect(try union.shape(of: 60) == ImageShape(channels: 3, height: 2, width: 2))
    }

    @Test func eachSourceGivesAsManyImages() throws {
        let (rest, chosen) = try union.trainingAndValidation(validation: 41, seed: 3)
        #expect(chosen.count { $0 < 60 } == 21 && chosen.count == 41 && rest.count == 109)
        #expect(
            refusal { try union.subset(size: 130, seed: 1) } == "one: expected to choose 0 to 60 images, found 65")
    }

    @Test func clientsHoldOneSource() throws {
        for partition in [Partition.iid, .dirichlet(alpha: 0.5, minimum: 2), .imbalance()] {
            let parts = try union.partition(nil, partition, bySource: true, clients: 6, seed: 4)
            #expect(parts.count == 6 && parts.flatMap { $0 }.sorted() == Array(0..<150))
            #expect(parts[..<3].allSatisfy { $0.allSatisfy { $0 < 60 } })
            #expect(parts[3...].allSatisfy { $0.allSatisfy { $0 >= 60 } })
        }
        #expect(
            refusal { try union.partition(nil, .iid, bySource: true, clients: 5, seed: 1) }
                == "data.clients: expected as many for each of 2 sources, found 5 in all")
    }

    @Test func noSourceIsDividedAsAnotherIsWithTheNextSeed() throws {
        let twins = try ImageDataset.union(name: "twins", of: [union, union])
        func shares(_ seed: UInt64) throws -> [[[Int]]] {
            let parts = try twins.partition(nil, .iid, bySource: true, clients: 6, seed: seed)
            return [Array(parts[..<3]), parts[3...].map { $0.map { $0 - 150 } }]
        }
        let all = try (0..<4).flatMap { try shares($0) }
        #expect(Set(all).count == 8)
    }

    @Test func theTailFallsExponentially() throws {
        let bytes = (0..<5_000).flatMap { [UInt8($0 % 5), UInt8(0)] }
        try folder.write("long/train.bin", bytes)
        let dataset = try DatasetName("records:long:5x1x1x1")!.load(.train, from: DatasetFolders(given: folder.path))
        let tail = try dataset.longTail(factor: 100, seed: 2)
        let counts = (0..<5).map { label in tail.count { dataset.labels[$0] == label } }
        #expect(counts == [1_000, 316, 100, 32, 10])
        #expect(tail == tail.sorted() && Set(tail).count == tail.count)
        #expect(try dataset.longTail(factor: 100, seed: 2) == tail)
        #expect(try dataset.longTail(factor: 100, seed: 3) != tail)
        #expect(try dataset.longTail(factor: 1, seed: 2).count == 5_000)
        #expect(refusal { try dataset.longTail(factor: 0.5, seed: 1) }.contains("at least 1, found 0.5"))
        let perSource = try union.longTail(factor: 10, seed: 1)
        #expect((0..<5).map { label in perSource.count { union.labels[$0] == label } } == [30, 3, 30, 9, 3])
    }

    @Test func noImageIsInTwoParts() throws {
        for seed: UInt64 in 0..<10 {
            let (training, validation) = try union.trainingAndValidation(validation: 30, seed: seed)
            let tail = try union.longTail(training, factor: 4, seed: seed)
            let drawn = try union.subset(of: tail, size: 40, seed: seed)
            let parts = try union.partition(drawn, .iid, bySource: true, clients: 4, seed: seed)
            let all = parts.flatMap { $0 } + validation
            #expect(Set(all).count == 70 && all.count == 70)
        }
    }

    @Test(
        "names that are none",
        arguments: [
            "", "cifar", "cifar10+", "+cifar10", "cifar10+cifar10", "folder", "folder:", "records:x", "records:x:1x2x3",
            "records:x:0x1x1x1", "records:x:300x1x1x1", "4-dataset+mnist", "arrays:a:b",
        ])
    func names(text: String) { #expect(DatasetName(text) == nil) }

    @Test func theFourDatasetHasThirtySevenClasses() throws {
        let names = try DatasetName("4-dataset")!.classNames(in: DatasetFolders(folders: []))
        #expect(names.count == 37 && names[10] == "fashion-mnist: T-shirt/top" && names[36] == "fer2013: neutral")
    }
}
