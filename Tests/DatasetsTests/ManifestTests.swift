import Datasets
import Foundation
import PromptAggregation
import Testing

/// Images and classes by a CSV file.
@Suite struct ManifestTests {
    private let folder: TemporaryFolder
    private let file: String

    init() throws {
        folder = try TemporaryFolder()
        file = folder.path + "/birds.csv"
        for name in ["a.png", "b.png", "in/c d.png", "in/e,f.png"] { try folder.write(name, Self.image) }
    }

    private static let image = try! [UInt8](
        Data(contentsOf: Bundle.module.bundleURL.appendingPathComponent("Fixtures/gray.png")))

    private func read(_ text: String) throws -> ImageFiles {
        try folder.write("birds.csv", Array(text.utf8))
        return try .manifest(file)
    }

    /// `class: file` for each image, below the manifest's folder.
    private func images(_ text: String, _ split: KnownDataset.Split? = nil) throws -> [String] {
        let dataset = try read(text).dataset(split, unreadable: .refuse)
        return (0..<dataset.count).map { index in
            let file = dataset.place(of: index).split(separator: " (")[0].dropFirst(folder.path.count + 1)
            return "\(dataset.classNames[dataset.labels[index]]): \(file)"
        }
    }

    @Test func rowsNameImagesAndClasses() throws {
        let expected = ["wren: a.png", "owl: b.png"]
        #expect(try images("path,label\na.png,wren\nb.png,owl\n") == expected)
        #expect(try images("label,path\nowl,b.png\nwren,a.png") == expected)
        #expect(try read("path,label\na.png,wren\nb.png,owl\n").classNames == ["owl", "wren"])
        #expect(try !read("path,label\na.png,wren\n").statesSplits)
    }

    @Test(arguments: [
        "\u{feff}path,label\r\na.png,wren\r\nb.png,owl\r\n", "path,label\ra.png,wren\rb.png,owl",
        "\n\npath , label\n a.png ,\twren \n\n \"b.png\" , \"owl\"\n\n",
        "\"path\",\"label\"\n\"a.png\",\"wren\"\nb.png,owl",
    ])
    func whatProgramsWriteIsRead(text: String) throws { #expect(try images(text) == ["wren: a.png", "owl: b.png"]) }

    @Test func quotedFieldsHoldAnything() throws {
        let found = try images("path,label\n\"in/e,f.png\",\"big \"\"snowy\"\" owl\"\nin/c d.png,\"two\nlines\"\n")
        #expect(found == ["two\nlines: in/c d.png", "big \"snowy\" owl: in/e,f.png"])
    }

    @Test func absolutePathsAndStepsUpAreTaken() throws {
        try folder.write("lists/birds.csv", Array("path,label\n../a.png,owl\n\(folder.path)/b.png,owl\n".utf8))
        let dataset = try ImageFiles.manifest(folder.path + "/lists/birds.csv").dataset(unreadable: .refuse)
        #expect(dataset.count == 2)
        #expect(dataset.place(of: 0).hasSuffix("/lists/../a.png (\(folder.path)/lists/birds.csv:2)"))
    }

    @Test func splitsAreMarked() throws {
        let text = "path,label,split\na.png,wren,train\nb.png,owl,Val\nin/c d.png,owl,training\n"
        #expect(try images(text, .train) == ["wren: a.png", "owl: in/c d.png"])
        #expect(try images(text, .test) == ["owl: b.png"])
        let files = try read(text + "\"in/e,f.png\",owl,test\n")
        #expect(files.statesSplits && files.count == 3)
        #expect(files.omitted.map(\.description) == ["1 left out, images of a split that is not used: b.png"])
        #expect(
            refusal { try read("path,label,split\na.png,wren,train\n").dataset(.test) }
                == "\(file): expected images of the split test, found none")
    }

    static let faults = [
        ("", ":1: expected a header with the columns path, label and, if wanted, split, found an empty file"),
        (
            "path,lable\n",
            ":1: expected a header with the columns path, label and, if wanted, split, found 'lable'; did you mean 'label'?"
        ),
        (
            "path,label,weight\n",
            ":1: expected a header with the columns path, label and, if wanted, split, found 'weight'"
        ),
        (
            "path,label,path\n",
            ":1: expected a header with the columns path, label and, if wanted, split, found 'path' twice"
        ),
        ("path,split\n", ":1: expected a header with the columns path, label and, if wanted, split, found path, split"),
        (
            "path;label\n",
            ":1: expected a header with the columns path, label and, if wanted, split apart by commas, found ';' between them"
        ),
        ("path,label\n", ": expected a row for each image, found none"),
        ("path,label\na.png\n", ":2: expected 2 fields, found 1"),
        ("path,label\na.png,owl,x\n", ":2: expected 2 fields, found 3"),
        ("path,label\n\na.png,\n", ":3: expected a label, found none"),
        ("path,label\n\"\",owl\n", ":2: expected a path, found none"),
        ("path,label,split\na.png,owl,dev\n", ":2: expected the split train, test or val, found 'dev'"),
        (
            "path,label\na.png,owl\nb.png,owl\n./a.png,wren\n",
            ":4: expected each path once, found './a.png' also in line 2"
        ),
        ("path,label\n\"in/../a.png\",owl\na.png,owl\n", ":3: expected each path once, found 'a.png' also in line 2"),
        ("path,label\na.png,\"owl\n\n\n", ":2: expected a closing quote, found the end of the file"),
        ("path,label\na.png,o\"w\"l\n", ":2: expected a quote only around a whole field, found one within"),
        ("path,label\na.png,\"owl\"s\n", ":2: expected a comma after the closing quote, found more text"),
        ("path,label\n\"a\n.png\",owl\nb.png\n", ":4: expected 2 fields, found 1"),
        (
            "path,label\na\0.png,owl\n",
            ":2: expected text in UTF-8, found NUL, as in UTF-16 or in a file that is no text"
        ),
    ]

    @Test(arguments: faults) func faultsAreNamedWithTheirLines(text: String, sentence: String) {
        #expect(refusal { try read(text) } == file + sentence)
    }

    @Test func otherEncodingsAreNamed() throws {
        try folder.write("birds.csv", [0xff, 0xfe, 0x70, 0])
        #expect(refusal { try ImageFiles.manifest(file) } == file + ":1: expected text in UTF-8, found UTF-16")
        try folder.write("birds.csv", Array("path,label\na.png,caf".utf8) + [0xe9])
        #expect(
            refusal { try ImageFiles.manifest(file) }
                == file + ":2: expected text in UTF-8, found bytes of another encoding (Latin-1?) after 'caf'")
        #expect(
            refusal { try ImageFiles.manifest(file + "x") } == file + "x: cannot be read: No such file or directory")
    }

    @Test func filesThatAreMissingAreListedWithTheirLines() throws {
        let rows = (2..<20).map { "none-\($0).png,owl\n" }.joined()
        let files = try read("path,label\n\(rows)a.png,owl\n")
        let lines = refusal { try files.dataset(unreadable: .refuse) }.split(separator: "\n")
        #expect(lines[0] == "birds.csv: 18 of 19 images cannot be read:")
        #expect(lines[1] == "  \(folder.path)/none-10.png (\(file):10): cannot be read: No such file or directory")
        #expect(lines[11] == "  and 8 more")
        #expect(try files.dataset(unreadable: .skip).count == 1)
    }

    @Test func noBytesTrap() throws {
        var random = SeededRandom(seed: 3)
        let letters = Array("ab\",\r\n \t\0path,label".utf8) + [0xef, 0xbb, 0xbf, 0xff]
        for round in 0..<3_000 {
            let noise = (0..<Int(random.next() % 40)).map { _ in letters[Int(random.next() % UInt64(letters.count))] }
            try folder.write("birds.csv", (round % 2 == 0 ? Array("path,label\n".utf8) : []) + noise)
            do throws(DatasetError) {
                #expect(try ImageFiles.manifest(file).count > 0)
            } catch {
                #expect("\(error)".hasPrefix(file))
            }
        }
    }
}
