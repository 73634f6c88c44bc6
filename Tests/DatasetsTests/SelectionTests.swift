import Datasets
import Testing

@Suite struct SelectionTests {
    private let dataset: ImageDataset
    private let folder: TemporaryFolder

    /// 100, 200 and 50 images of three classes, one pixel each.
    init() throws {
        folder = try TemporaryFolder()
        let labels = (0..<350).map { UInt8($0 % 7 < 2 ? 0 : $0 % 7 < 6 ? 1 : 2) }
        let bytes = labels.enumerated().flatMap { [$1, UInt8($0 % 251)] }
        dataset = try ImageDataset.records(
            name: "three", classNames: ["a", "b", "c"], files: [folder.write("three.bin", bytes)], height: 1, width: 1,
            channels: 1)
    }

    private func counts(_ indices: [Int]) -> [Int] {
        (0..<3).map { label in indices.count { dataset.labels[$0] == label } }
    }

    @Test func aSubsetKeepsTheProportionsOfTheClasses() throws {
        #expect(counts(Array(0..<350)) == [100, 200, 50])
        #expect(try counts(dataset.subset(size: 70, seed: 1)) == [20, 40, 10])
        for size in [0, 1, 2, 33, 349, 350] {
            let subset = try dataset.subset(size: size, seed: 2)
            #expect(subset.count == size)
            #expect(Set(subset).count == size)
            #expect(subset == subset.sorted())
            for (count, whole) in zip(counts(subset), [100, 200, 50]) {
                #expect(abs(Double(count) - Double(whole * size) / 350) < 1)
            }
        }
    }

    @Test func theSeedDecidesTheChoice() throws {
        #expect(try dataset.subset(size: 50, seed: 1) == dataset.subset(size: 50, seed: 1))
        #expect(try dataset.subset(size: 50, seed: 1) != dataset.subset(size: 50, seed: 2))
    }

    @Test func trainingAndValidationAreDisjointAndComplete() throws {
        let (training, validation) = try dataset.trainingAndValidation(validation: 35, seed: 5)
        #expect(counts(validation) == [10, 20, 5])
        #expect((training + validation).sorted() == Array(0..<350))
    }

    @Test func choicesCanBeChained() throws {
        let subset = try dataset.subset(size: 140, seed: 1)
        let (training, validation) = try dataset.trainingAndValidation(subset, validation: 14, seed: 1)
        #expect((training + validation).sorted() == subset)
        let parts = try dataset.partition(training, .iid, clients: 6, seed: 1)
        #expect(parts.flatMap { $0 }.sorted() == training)
    }

    @Test func impossibleChoicesAreExplained() {
        #expect(
            refusal { try dataset.subset(size: 351, seed: 1) } == "three: expected to choose 0 to 350 images, found 351"
        )
        #expect(
            refusal { try dataset.subset(size: -1, seed: 1) } == "three: expected to choose 0 to 350 images, found -1")
        #expect(
            refusal { try dataset.subset(of: [0, 350], size: 1, seed: 1) }
                == "three: expected images from 0 to 349, found 350")
    }
}
