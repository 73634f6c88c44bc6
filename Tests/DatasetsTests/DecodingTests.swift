import Datasets
import Foundation
import PromptAggregation
import Testing

/// Every kind of PNG and JPEG file, against what Pillow makes of it (Fixtures/make-decoding.py).
@Suite struct DecodingTests {
    struct Case: Sendable, Decodable, CustomTestStringConvertible {
        var name: String
        var file: Data
        var height, width: Int
        /// [height, width, 3].
        var pixels: Data
        var testDescription: String { name }
    }

    static let cases: [String: [Case]] = {
        let file = Bundle.module.bundleURL.appendingPathComponent("Fixtures/decoding.json")
        return try! JSONDecoder().decode([String: [Case]].self, from: Data(contentsOf: file))
    }()

    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Red, green and blue, also of a gray image.
    private func colours(_ bytes: [UInt8], as name: String = "x") throws -> (pixels: [UInt8], shape: ImageShape) {
        let (pixels, shape) = try ImageFile.decode(folder.write(name, bytes))
        return (shape.channels == 3 ? pixels : pixels.flatMap { [$0, $0, $0] }, shape)
    }

    private func decode(_ kind: String, _ name: String) throws -> [UInt8] {
        let found = try #require(Self.cases[kind]?.first { $0.name == name })
        return try colours([UInt8](found.file)).pixels
    }

    @Test(arguments: cases["png"]!) func pngFilesHaveThePixelsOfPillow(_ file: Case) throws {
        let (pixels, shape) = try colours([UInt8](file.file))
        #expect((shape.height, shape.width) == (file.height, file.width))
        #expect(pixels == [UInt8](file.pixels))
        #expect(shape.channels == (file.name.hasPrefix("gray") || file.name.hasPrefix("same") ? 1 : 3))
    }

    /// Decoders of JPEG agree within a step or two of 255.
    @Test(arguments: cases["jpeg"]!) func jpegFilesHaveThePixelsOfPillow(_ file: Case) throws {
        let (pixels, shape) = try colours([UInt8](file.file))
        #expect((shape.height, shape.width) == (file.height, file.width))
        #expect(pixels.count == file.pixels.count)
        let furthest = zip(pixels, file.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 255
        #expect(furthest <= 2, "\(file.name) is \(furthest) off")
    }

    @Test func aPictureIsTheSameInEightAndSixteenBits() throws {
        let eight = try decode("png", "same-8")
        #expect(try decode("png", "same-16") == eight)
        #expect(Set(eight).count > 20)
    }

    @Test(arguments: ["png", "jpeg"]) func aFileThatIsCutShortIsRefused(_ kind: String) throws {
        for file in try #require(Self.cases[kind]) {
            let whole = [UInt8](file.file)
            // PNG's last chunk has no content; what lies before it is a whole picture, also for Pillow.
            for length in stride(from: 0, to: whole.count - (kind == "png" ? 12 : 0), by: 13) {
                let sentence = refusal { try colours(Array(whole[..<length]), as: "cut") }
                #expect(sentence.hasPrefix(folder.path + "/cut"), "\(file.name), \(length) bytes: \(sentence)")
            }
        }
        let jpeg = try #require(Self.cases["jpeg"]?.first { $0.name == "half-half" })
        let sentence = refusal { try colours(Array(jpeg.file.dropLast(2)), as: "cut") }
        #expect(sentence.hasSuffix("the JPEG data ends early, without the mark of its end"))
    }

    @Test(arguments: ["png", "jpeg"]) func noByteThatIsFlippedTraps(_ kind: String) throws {
        var random = SeededRandom(seed: 11)
        for file in try #require(Self.cases[kind]) {
            for _ in 0..<60 {
                var damaged = [UInt8](file.file)
                for _ in 0...Int(random.next() % 3) {
                    damaged[Int(random.next() % UInt64(damaged.count))] = UInt8(truncatingIfNeeded: random.next())
                }
                let path = try folder.write("damaged", damaged)
                do throws(DatasetError) {
                    let (pixels, shape) = try ImageFile.decode(path)
                    #expect(pixels.count == shape.byteCount)
                } catch {
                    #expect("\(error)".hasPrefix(path))
                }
            }
        }
    }

    @Test(arguments: [1, 3]) func whatIsWrittenAsPNGDecodesToTheSamePixels(_ channels: Int) throws {
        let shape = ImageShape(channels: channels, height: 5, width: 7)
        // [channels, height, width]
        let planes = (0..<shape.byteCount).map { UInt8($0 * 37 % 256) }
        let bytes = try planes.withUnsafeBufferPointer { pixels in
            Result { () throws(DatasetError) in try PNGWriter.bytes(of: pixels, shape, name: "planes") }
        }.get()
        let folder = try TemporaryFolder()
        let path = folder.path + "/written.png"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let decoded = try ImageFile.decode(path)
        #expect(decoded.shape == shape)
        let size = shape.height * shape.width
        for place in 0..<size {
            for channel in 0..<channels {
                #expect(decoded.pixels[place * channels + channel] == planes[channel * size + place])
            }
        }
    }

    @Test func noBytesBehindAJPEGsOrPNGsFirstTrap() throws {
        var random = SeededRandom(seed: 12)
        for first: [UInt8] in [
            [0xff, 0xd8], [0xff, 0xd8, 0xff, 0xc0], [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
        ] {
            for length in 0..<80 {
                let rest = (0..<length).map { _ in random.next() % 3 == 0 ? 0xff : UInt8(random.next() % 256) }
                #expect(refusal { try colours(first + rest, as: "noise") }.hasPrefix(folder.path + "/noise"))
            }
        }
    }

    /// Sound files of a kind that is not read are not called damaged.
    @Test func whatIsNotReadIsNamedForWhatItIs() throws {
        let kinds: [(bytes: [UInt8], words: String)] = [
            ([], "an empty file"), (Array("GIF89a\u{1}\u{0}".utf8), "a GIF file"),
            (Array("RIFF\u{1}\u{0}\u{0}\u{0}WEBPVP8 ".utf8), "a WebP file"),
            ([0x49, 0x49, 0x2a, 0, 8, 0, 0, 0], "a TIFF file"), ([0x4d, 0x4d, 0, 0x2a, 0, 0, 0, 8], "a TIFF file"),
            (Array("BM\u{8}\u{0}\u{0}\u{0}".utf8), "a BMP file"),
            ([UInt8](repeating: 0, count: 128) + Array("DICM".utf8), "a DICOM file"),
            (Array("\u{0}\u{0}\u{0}\u{1c}ftypheic".utf8), "a HEIC file"),
            (
                Array("version https://git-lfs.github.com/spec/v1\n".utf8),
                "a Git LFS pointer; 'git lfs pull' gets the file itself"
            ),
            (Array("<!DOCTYPE html><html>".utf8), "a web page"), (Array("this is no image\n".utf8), "text"),
            (Array("BMW, a car".utf8), "text"), ([UInt8](repeating: 0, count: 99), "zeros"),
            ([1, 2, 250, 4, 5], "bytes of no known kind (1 2 fa 4)"),
        ]
        for (bytes, words) in kinds {
            let path = try folder.write("x.jpg", bytes)
            #expect(refusal { try ImageFile.decode(path) } == "\(path): expected a JPEG or PNG file, found \(words)")
        }
    }

    @Test func jpegFilesOfOtherProcessesAreNamedForWhatTheyAre() throws {
        let file = try #require(Self.cases["jpeg"]?.first { $0.name == "half-half" })
        let whole = [UInt8](file.file)
        let frame = try #require(whole.indices.dropLast().first { whole[$0] == 0xff && whole[$0 + 1] == 0xc0 })
        let changes: [(offset: Int, value: UInt8, sentence: String)] = [
            (1, 0xc3, "expected a JPEG file with loss, found a lossless one"),
            (1, 0xc5, "expected a sequential or progressive JPEG file, found a hierarchical one"),
            (4, 12, "expected a JPEG file of 8 bits a sample, found 12 bits"),
            (9, 2, "expected a JPEG file of 1, 3 or 4 components, found 2"),
        ]
        for (offset, value, sentence) in changes {
            var changed = whole
            changed[frame + offset] = value
            let path = try folder.write("x.jpg", changed)
            #expect(refusal { try ImageFile.decode(path) } == "\(path): \(sentence)")
        }
    }

    @Test func aHeaderThatClaimsTooMuchIsRefused() throws {
        let file = try #require(Self.cases["png"]?.first { $0.name == "gray-8" })
        var bytes = [UInt8](file.file)
        // 65,536 x 2,000 pixels in a file of a few dozen bytes; libpng reads a header whatever its checksum, then refuses.
        bytes.replaceSubrange(16..<24, with: [0, 1, 0, 0, 0, 0, 7, 0xd0])
        let path = try folder.write("x.png", bytes)
        #expect(refusal { try ImageFile.decode(path) }.hasPrefix(path))
    }

    @Test func whatIsNoFileIsNotWaitedFor() throws {
        let pipe = folder.path + "/pipe.jpg"
        #expect(mkfifo(pipe, 0o600) == 0)
        #expect(refusal { try ImageFile.decode(pipe) } == "\(pipe): cannot be read: expected a file, found a FIFO")
        #expect(
            refusal { try ImageFile.decode(folder.path) }
                == "\(folder.path): cannot be read: expected a file, found a folder")
        #expect(
            refusal { try ImageFile.decode("/dev/zero") }
                == "/dev/zero: cannot be read: expected a file, found a device")
        #expect(refusal { try ImageFile.decode(folder.path + "/none") }.hasSuffix("No such file or directory"))
    }
}
