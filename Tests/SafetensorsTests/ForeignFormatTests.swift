import Foundation
import Safetensors
import Testing

/// What is said of a file that was taken for weights and is something else.
@Suite struct ForeignFormatTests {
    private static let pointer = """
        version https://git-lfs.github.com/spec/v1
        oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
        size 11036456

        """

    /// A ZIP archive as far as its first file's name.
    private static func archive(_ name: String) -> [UInt8] {
        Array("PK\u{3}\u{4}".utf8) + [UInt8](repeating: 0, count: 26) + Array(name.utf8)
    }

    private static let tar =
        Array("model.safetensors".utf8) + [UInt8](repeating: 0, count: 240) + Array("ustar".utf8)
        + [UInt8](repeating: 0, count: 250)

    @Test(
        arguments: [
            ([], .empty),
            ([UInt8](repeating: 0, count: 1000), .zeros),
            (Array(pointer.utf8), .gitLFSPointer(bytes: 11_036_456)),
            (Array("version https://git-lfs.github.com/spec/v1".utf8), .gitLFSPointer(bytes: nil)),
            (Array("\u{feff}\n <!DOCTYPE html>\n<html lang=\"en\"><head>".utf8), .webPage),
            (Array("<html>".utf8), .webPage),
            (Array("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>".utf8), .webPage),
            (archive("archive/data.pkl"), .torchArchive),
            (archive("pytorch_model/version"), .torchArchive),
            (archive("cls_token.npy"), .numpyArchive),
            (archive("readme.txt"), .zip),
            ([0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e], .pickle),
            ([0x80, 4, 0x95, 0x10, 0, 0, 0, 0, 0, 0, 0, 0x7d], .pickle),
            ([0x93] + Array("NUMPY\u{1}\u{0}v\u{0}{'descr': '<f4'}".utf8), .numpyArray),
            (Array("GGUF\u{3}\u{0}\u{0}\u{0}\u{10}\u{0}\u{0}\u{0}".utf8), .gguf),
            ([0x89] + Array("HDF\r\n\u{1a}\n\u{0}\u{0}".utf8), .hdf5),
            ([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], .gzip),
            (tar, .tar),
            (Array("{\"error\": \"Access to model is restricted\"}".utf8), .json),
            (Array("text,label\ngood day,a\nbad day,b\n".utf8), .text),
            (Array("grün\r\n".utf8), .text),
        ] as [([UInt8], ForeignFormat)]) func otherFilesAreNamed(_ bytes: [UInt8], _ format: ForeignFormat) throws
    {
        let path = NSTemporaryDirectory() + "foreign-\(UUID().uuidString).safetensors"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        #expect(throws: SafetensorsError.foreign(path: path, format)) { try SafetensorsFile(path: path) }
        #expect(throws: SafetensorsError.foreign(path: path, format)) { try SafetensorsModel(path: path) }
    }

    @Test func theErrorSaysWhatToDo() {
        let error = SafetensorsError.foreign(path: "model.safetensors", .gitLFSPointer(bytes: 11_036_456))
        #expect(
            "\(error)"
                == "model.safetensors is a Git LFS pointer to a file of 11036456 bytes, not a safetensors file: fetch the file itself with 'git lfs pull', or download it"
        )
    }

    /// The length of a header may begin with the same bytes as another format.
    @Test func safetensorsAreNotTakenForOthers() throws {
        let path = NSTemporaryDirectory() + "foreign-\(UUID().uuidString).safetensors"
        defer { try? FileManager.default.removeItem(atPath: path) }
        for length in [Int(UInt8(ascii: "{")), 0x0280, 0x8b1f] {
            let header = #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#
            let text = header + String(repeating: " ", count: length - header.utf8.count)
            let bytes = withUnsafeBytes(of: UInt64(length).littleEndian) { Data($0) } + Data(text.utf8) + [7]
            try bytes.write(to: URL(fileURLWithPath: path))
            #expect(try SafetensorsFile(path: path).tensor(named: "a").integers() == [7])
        }
    }
}
