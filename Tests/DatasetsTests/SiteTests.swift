import Datasets
import Foundation
import Testing

/// What participants hold, in the numbers of the federation.
@Suite struct SiteTests {
    private let folder: TemporaryFolder
    private let federation: ClassList

    init() throws {
        folder = try TemporaryFolder()
        federation = try ClassList(["wren", "owl", "snow goose", "swan"])
    }

    private static let image = try! [UInt8](
        Data(contentsOf: Bundle.module.bundleURL.appendingPathComponent("Fixtures/gray.png")))

    private func make(_ files: String...) throws { for file in files { try folder.write(file, Self.image) } }

    /// The federation's number of each image's class, by file.
    private func numbers(_ images: ImageDataset) -> [String: Int] {
        Dictionary(
            uniqueKeysWithValues: (0..<images.count).map {
                (
                    String(images.place(of: $0).split(separator: " (")[0].dropFirst(folder.path.count + 1)),
                    images.labels[$0]
                )
            })
    }

    @Test func aSiteThatLacksClassesNumbersTheOthersAsAllDo() throws {
        try make("one/owl/1.png", "one/swan/2.png", "two/owl/3.png", "two/snow goose/4.png", "two/wren/5.png")
        let one = try SiteImages.open(folder.path + "/one", classes: federation)
        let two = try SiteImages.open(folder.path + "/two", classes: federation)
        #expect(numbers(one.training) == ["one/owl/1.png": 1, "one/swan/2.png": 3])
        #expect(numbers(two.training) == ["two/owl/3.png": 1, "two/snow goose/4.png": 2, "two/wren/5.png": 0])
        #expect(one.classNames == federation.names && two.classNames == federation.names)
        #expect(one.missingClasses == ["wren", "snow goose"] && two.missingClasses == ["swan"])
        #expect(one.training.sources.map(\.classes) == [0..<4])
        #expect(one.lines == ["2 images, 2 of 4 classes, none of wren, snow goose"])
    }

    @Test func aFolderAndAManifestGiveTheSame() throws {
        try make("set/owl/1.png", "set/wren/2.png")
        try folder.write("set.csv", Array("path,label\nset/wren/2.png,wren\nset/owl/1.png,owl\n".utf8))
        for path in ["set", "set.csv"] {
            let site = try SiteImages.open(folder.path + "/" + path, classes: federation)
            #expect(numbers(site.training) == ["set/owl/1.png": 1, "set/wren/2.png": 0] && site.test == nil)
        }
    }

    @Test func marksForTheTestAreKept() throws {
        try make("set/train/owl/1.png", "set/test/owl/2.png", "set/test/owl/3.png")
        let site = try SiteImages.open(folder.path + "/set", classes: federation)
        #expect(numbers(site.training) == ["set/train/owl/1.png": 1])
        #expect(site.test.map(numbers) == ["set/test/owl/2.png": 1, "set/test/owl/3.png": 1])
        #expect(site.lines[0] == "3 images, 2 of them for the test, 1 of 4 classes, none of wren, snow goose, swan")
    }

    @Test(arguments: [
        ("Snow_Goose", "; did you mean 'snow goose'?"), ("owls", "; did you mean 'owl'?"),
        ("WREN", "; did you mean 'wren'?"),
        ("swan_adult", "; did you mean 'swan'?"), ("penguin", ""),
    ])
    func aClassThatNobodyKnowsIsNamed(name: String, advice: String) throws {
        // Not an image: the class is refused before any is read.
        try folder.write("set/\(name)/1.png", [])
        #expect(
            refusal { try SiteImages.open(folder.path + "/set", classes: federation) }
                == "\(folder.path)/set: expected classes of the federation, wren, owl, snow goose, swan, found "
                + "'\(name)'\(advice)")
    }

    @Test func unreadableImagesOfBothSplitsAreListedOrSkipped() throws {
        try make("set/train/owl/1.png", "set/test/owl/2.png", "set/train/wren/3.png")
        try folder.write("set/train/swan/bad.png", [])
        try folder.write("set/test/owl/bad.png", [1, 2, 3])
        let path = folder.path + "/set"
        let sentence = refusal { try SiteImages.open(path, classes: federation) }
        #expect(sentence.contains("2 of 5 images cannot be read") && sentence.contains("test/owl/bad.png"))
        let site = try SiteImages.open(path, classes: federation, unreadable: .skip)
        #expect(site.training.count == 2 && site.test?.count == 1)
        // Its only image is none.
        #expect(site.missingClasses == ["snow goose", "swan"])
        #expect(site.omitted.map(\.reason) == [.unreadable] && site.omitted[0].count == 2)
        #expect(site.lines[1].hasPrefix("2 left out, images that cannot be read: \(path)/test/owl/bad.png: expected"))
    }

    @Test func arraysAreNumberedByTheListAlready() throws {
        let header =
            #"{"images":{"dtype":"U8","shape":[2,1,1],"data_offsets":[0,2]},"labels":{"dtype":"U8","shape":[2],"#
            + #""data_offsets":[2,4]}}"#
        let length = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
        try folder.write("set/train.safetensors", length + Array(header.utf8) + [7, 8, 3, 1])
        for path in ["set", "set/train.safetensors"] {
            let site = try SiteImages.open(folder.path + "/" + path, classes: federation)
            #expect(site.training.labels == [3, 1] && site.classNames == federation.names && site.test == nil)
            #expect(site.missingClasses == ["wren", "snow goose"])
        }
        #expect(
            refusal { try SiteImages.open(folder.path + "/set", classes: ClassList(["a", "b", "c"])) }.contains(
                "expected labels from 0 to 2, found 3 for image 0"))
    }

    @Test func otherPathsAreRefused() throws {
        try folder.write("list.txt", [])
        #expect(
            refusal { try SiteImages.open(folder.path + "/list.txt") }
                == "\(folder.path)/list.txt: expected a folder, a manifest (.csv) or arrays (.safetensors)")
        #expect(refusal { try SiteImages.open("/nowhere") } == "/nowhere: cannot be read: it does not exist")
    }

    @Test func aListNamesEachClassOnce() throws {
        for end in ["\n", "\r\n"] {
            let file = try folder.write("names.txt", Array(("\u{feff}owl" + end + " snow goose " + end + end).utf8))
            #expect(try ClassList(from: file).names == ["owl", "snow goose"])
        }
        #expect(ClassList.doubt(about: ["cat", "dog", "catty"]) == nil)
        #expect(
            ClassList.doubt(about: ["cat", "dog", "Cat", "snow  goose ", "snow goose", " CAT"])
                == "'cat' and 'Cat' and ' CAT', 'snow  goose ' and 'snow goose' differ in capitals or blanks alone, and count"
                + " as classes of their own")
        #expect(refusal { try ClassList([]) } == "class list: expected one or more names, found none")
        #expect(refusal { try ClassList(["a", " "]) } == "class list: expected a name as class 1, found ' '")
        #expect(
            refusal { try ClassList(["a", "b", "a"]) }
                == "class list: expected each name once, found 'a' as class 0 and 2")
    }
}
