import Datasets
import Foundation
import Testing

@Suite struct TransformTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// The same numbers as in Fixtures/make-golden.py.
    private func pixels(_ count: Int) -> [UInt8] {
        (0..<count).map { index in
            let mixed = index * index * 31 + index * 7 + index / 11 * 53
            return UInt8(mixed % 256)
        }
    }

    private func dataset(_ pixels: [UInt8], channels: Int, height: Int, width: Int) throws -> ImageDataset {
        try ImageDataset.records(
            name: "one", classNames: ["a"], files: [folder.write("one.bin", [0] + pixels)], height: height,
            width: width, channels: channels)
    }

    private func image(_ images: PreparedImages, _ index: Int = 0) throws -> [Float] {
        var values = [Float](repeating: .nan, count: 3 * images.size * images.size)
        try values.withUnsafeMutableBufferPointer { try images.copyImage(index, into: $0) }
        return values
    }

    struct Golden: Sendable, CustomTestStringConvertible {
        var name: String
        var channels, height, width, shorterSide, size: Int
        var testDescription: String { name }
    }

    static let golden = [
        Golden(name: "gray-28-to-64", channels: 1, height: 28, width: 28, shorterSide: 64, size: 64),
        Golden(name: "colour-wide-crop", channels: 3, height: 20, width: 33, shorterSide: 26, size: 23),
        Golden(name: "colour-tall-shrink", channels: 3, height: 91, width: 64, shorterSide: 24, size: 17),
        Golden(name: "gray-odd-crop", channels: 1, height: 7, width: 10, shorterSide: 9, size: 6),
    ]

    @Test(arguments: golden) func imagesAreThoseOfPillow(_ golden: Golden) throws {
        let file = try #require(
            Bundle.module.url(forResource: golden.name, withExtension: "f32", subdirectory: "Fixtures"))
        let expected = try Data(contentsOf: file).withUnsafeBytes { bytes in
            (0..<bytes.count / 4).map {
                Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
            }
        }
        let transform = try ImageTransform(
            size: golden.size, shorterSide: golden.shorterSide, mean: [0.485, 0.456, 0.406],
            standardDeviation: [0.229, 0.224, 0.225])
        let found = try image(
            PreparedImages(
                dataset(
                    pixels(golden.channels * golden.height * golden.width), channels: golden.channels,
                    height: golden.height, width: golden.width), transform: transform))
        #expect(found.count == expected.count)
        let furthest = zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity
        // The bytes are the same, so only the normalisation's rounding in float32 is left; one byte would be 0.017.
        #expect(furthest < 2e-6, "the largest difference is \(furthest)")
    }

    @Test func anImageOfTheRightSizeIsOnlyNormalised() throws {
        let pixels = pixels(3 * 5 * 5)
        let images = try PreparedImages(
            dataset(pixels, channels: 3, height: 5, width: 5),
            transform: ImageTransform(size: 5, mean: [0.1, 0.2, 0.3], standardDeviation: [1, 2, 4]))
        for (index, value) in try image(images).enumerated() {
            let mean: Float = [0.1, 0.2, 0.3][index / 25]
            let deviation: Float = [1, 2, 4][index / 25]
            let expected = (Float(pixels[index]) / 255 - mean) / deviation
            #expect(abs(value - expected) < 1e-6)
        }
    }

    @Test func aConstantImageStaysConstant() throws {
        for (height, width) in [(3, 50), (50, 3), (28, 28), (1, 1), (200, 9)] {
            let gray = try dataset(
                [UInt8](repeating: 51, count: height * width), channels: 1, height: height, width: width)
            let images = try PreparedImages(
                gray,
                transform: ImageTransform(size: 16, shorterSide: 18, mean: [0, 0, 0], standardDeviation: [1, 1, 1]))
            #expect(try image(images).allSatisfy { abs($0 - 0.2) < 1e-6 })
        }
    }

    @Test func preparedImagesFollowTheirIndices() throws {
        let bytes: [UInt8] = (0..<4).flatMap { (image: UInt8) -> [UInt8] in [image % 2, 51 * image] }
        let dataset = try ImageDataset.records(
            name: "four", classNames: ["a", "b"], files: [folder.write("four.bin", bytes)], height: 1, width: 1,
            channels: 1)
        let transform = try ImageTransform(size: 1, mean: [0, 0, 0], standardDeviation: [1, 1, 1])
        let images = try PreparedImages(dataset, indices: [3, 0, 2], transform: transform)
        #expect(images.count == 3)
        #expect(images.labels == [1, 0, 0])
        for (index, expected) in [Float(0.6), 0, 0.4].enumerated() {
            #expect(try image(images, index).allSatisfy { abs($0 - expected) < 1e-6 })
        }
        #expect(refusal { try image(images, 3) } == "four: expected an image from 0 to 2, found 3")
        #expect(
            refusal { try PreparedImages(dataset, indices: [4], transform: transform) }
                == "four: expected images from 0 to 3, found 4")
        var few = [Float](repeating: 0, count: 2)
        #expect(
            refusal { try few.withUnsafeMutableBufferPointer { try images.copyImage(0, into: $0) } }
                == "four: expected room for 3 values of an image, found 2")
    }

    @Test func unusableTransformsAreExplained() {
        #expect(
            refusal { try ImageTransform(size: 0) }
                == "image transform: expected a size from 1 to the shorter side, and that up to 8192, found 0 and 0")
        #expect(
            refusal { try ImageTransform(size: 9, shorterSide: 8) }
                == "image transform: expected a size from 1 to the shorter side, and that up to 8192, found 9 and 8")
        #expect(
            refusal { try ImageTransform(size: 9, mean: [0]) }
                == "image transform: expected three finite means, found [0.0]")
        #expect(
            refusal { try ImageTransform(size: 9, standardDeviation: [1, 0, 1]) }
                == "image transform: expected three deviations above 0, found [1.0, 0.0, 1.0]")
        #expect(
            refusal {
                let images = try PreparedImages(
                    dataset([1, 2], channels: 2, height: 1, width: 1), transform: ImageTransform(size: 1))
                var pixels = [Float](repeating: 0, count: 3)
                try pixels.withUnsafeMutableBufferPointer { try images.copyImage(0, into: $0) }
            } == "image transform: expected images of 1 or 3 channels, found 2")
    }
}
