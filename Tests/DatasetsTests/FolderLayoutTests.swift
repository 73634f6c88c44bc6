import Datasets
import Foundation
import Testing

/// What folders are taken for, what is left out, and what is not decided.
@Suite struct FolderLayoutTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Empty files; no image is opened to find out what belongs to which class.
    private func make(_ files: String...) throws {
        for file in files { try folder.write("set/" + file, []) }
    }

    private func read() throws -> ImageFiles { try .folder(folder.path + "/set") }

    /// `class: file` for each image of a split, below the data set's folder.
    private func images(_ split: KnownDataset.Split? = nil) throws -> [String] {
        let dataset = try read().dataset(split)
        return (0..<dataset.count).map {
            "\(dataset.classNames[dataset.labels[$0]]): \(dataset.place(of: $0).dropFirst(folder.path.count + 5))"
        }
    }

    private func omitted() throws -> [String] { try read().omitted.map(\.description) }

    @Test func foldersWithinAClassAreLeftOut() throws {
        try make("owl/1.png", "owl/2.png", "wren/1.jpg", "wren/small/1.jpg", "wren/small/2.jpg", "wren/raw/x/y/1.png")
        #expect(try images() == ["owl: owl/1.png", "owl: owl/2.png", "wren: wren/1.jpg"])
        #expect(
            try omitted()
                == ["3 left out, images in folders within a class's folder: wren/raw/x/y/1.png, wren/small (2)"])
    }

    @Test func whatSystemsLeaveIsLeftOut() throws {
        try make(
            "owl/1.png", "owl/.DS_Store", "owl/Thumbs.db", "owl/@eaDir/1.png/thumb.jpg", "wren/1.png", ".git/HEAD",
            "__MACOSX/owl/._1.png", ".hidden/1.png")
        #expect(try read().classNames == ["owl", "wren"])
        #expect(
            try omitted() == [
                "6 left out, hidden files and folders, and those of operating systems: .git, .hidden, __MACOSX, "
                    + "owl/.DS_Store, owl/@eaDir, …"
            ])
    }

    @Test func whatBelongsToNoClassIsSaid() throws {
        try make("owl/1.png", "owl/notes.txt", "wren/1.png", "labels.csv", "cover.jpg", "empty/readme.md")
        try FileManager.default.createDirectory(atPath: folder.path + "/set/nothing", withIntermediateDirectories: true)
        #expect(try read().classNames == ["owl", "wren"])
        #expect(
            try omitted() == [
                "1 left out, images without a class: cover.jpg",
                "2 left out, files that are no images by their names: labels.csv, owl/notes.txt",
                "2 left out, folders without images: empty, nothing",
            ])
    }

    @Test func notesAndTablesBesideImagesMakeNoTexts() throws {
        try make("owl/1.png", "owl/notes.txt", "wren/1.png", "train.csv")
        #expect(!SiteImages.holdsTexts(folder.path + "/set"))
        try folder.write("set/train.csv", Array("text,label\na,owl\n".utf8))
        #expect(SiteImages.holdsTexts(folder.path + "/set"))
    }

    @Test func notesOfADomainMakeNoTexts() throws {
        try make("north/owl/1.png", "north/notes.txt", "south/owl/1.png")
        #expect(!SiteImages.holdsTexts(folder.path + "/set"))
        #expect(try read().classNames == ["owl"])
    }

    @Test func oneNameInTwoUnicodeFormsIsRefused() throws {
        try make("\u{C4}ste/1.png", "A\u{308}ste/1.png")
        let error = #expect(throws: DatasetError.self) { try read() }
        #expect(error?.description.contains("expected one folder of this name, found two") == true)
    }

    @Test func tooFewImagesForATestSplitAreSaid() throws {
        try make("owl/1.png", "wren/1.png")
        let error = #expect(throws: DatasetError.self) { try images(.test) }
        #expect(error?.description.hasSuffix("found none; without marks it is one in 5 of each class") == true)
    }

    /// They are somebody's images, and reading them says what they are.
    @Test func imagesOfOtherKindsAreNotPassedOver() throws {
        try make("owl/1.png", "owl/2.tif", "owl/3.WEBP", "owl/4.dcm", "wren/1.jfif")
        #expect(try images().count == 5)
        #expect(refusal { try read().dataset(unreadable: .refuse) }.contains("5 of 5 images cannot be read"))
    }

    @Test(arguments: [("train", "test"), ("Training", "Testing"), ("train", "val"), ("TRAIN", "validation")])
    func splitsHoldClasses(train: String, test: String) throws {
        try make("\(train)/owl/1.png", "\(train)/wren/1.png", "\(test)/wren/2.png", "\(train)/3.png")
        #expect(try read().classNames == ["owl", "wren"])
        #expect(try images(.train) == ["owl: \(train)/owl/1.png", "wren: \(train)/wren/1.png"])
        #expect(try images(.test) == ["wren: \(test)/wren/2.png"])
        #expect(try images().count == 3)
        #expect(try omitted() == ["1 left out, images without a class: \(train)/3.png"])
    }

    @Test func ofTwoFoldersForTheTestOneIsUsed() throws {
        try make(
            "train/owl/1.png", "train/wren/1.png", "test/owl/2.png", "val/owl/3.png", "val/wren/4.png", "masks/5.png")
        #expect(try images(.test) == ["owl: test/owl/2.png"])
        #expect(
            try omitted() == [
                "1 left out, images without a class: masks/5.png",
                "2 left out, images of a split that is not used: val/owl/3.png, val/wren/4.png",
            ])
    }

    @Test func aClassOfTheTestMustBeOneOfTheTraining() throws {
        try make("train/owl/1.png", "train/wren/1.png", "test/Owl/2.png")
        #expect(
            refusal { try read() }
                == "\(folder.path)/set/test: expected the classes of the training split, owl, wren, found 'Owl'; did you "
                + "mean 'owl'?")
    }

    @Test func splitsMayLieInTheFoldersOfClasses() throws {
        try make("owl/train/1.png", "owl/test/2.png", "wren/train/3.png", "wren/test/4.png", "wren/val/5.png")
        #expect(try images(.train) == ["owl: owl/train/1.png", "wren: wren/train/3.png"])
        #expect(try images(.test) == ["owl: owl/test/2.png", "wren: wren/test/4.png"])
        #expect(try omitted() == ["1 left out, images of a split that is not used: wren/val/5.png"])
    }

    @Test func domainsHoldTheSameClasses() throws {
        try make("day/owl/1.png", "day/wren/2.png", "night/owl/3.png", "night/wren/4.png", "night/wren/small/4.png")
        let dataset = try read().dataset()
        #expect(dataset.sources.map(\.name) == ["day", "night"])
        #expect(dataset.sources.map(\.images) == [0..<2, 2..<4] && dataset.labels == [0, 1, 0, 1])
        #expect(try omitted() == ["1 left out, images in folders within a class's folder: night/wren/small/4.png"])
    }

    struct Doubt: Sendable, CustomTestStringConvertible {
        var files: [String]
        /// Parts of the error, among them both readings.
        var parts: [String]
        var testDescription: String { files.joined(separator: " ") }
    }

    static let doubts = [
        Doubt(
            files: ["birds/owl/1.png", "birds/wren/1.png"],
            parts: ["'birds' is the data set, and", "set/birds is the path to give", "it is the only class"]),
        Doubt(
            files: ["day/owl/1.png", "night/owl/1.png", "night/wren/1.png"],
            parts: [
                "'day' holds folders owl, but 'night' owl, wren", "they are domains, and need the same classes",
                "they are classes, and their images belong directly into them",
            ]),
        Doubt(
            files: ["owl/1.png", "wren/1.png", "birds/owl/1.png", "birds/wren/2.png"],
            parts: ["owl, wren hold images, but 'birds' only folders", "is a class", "is a domain"]),
        Doubt(
            files: ["train/owl/1.png", "train/wren/1.png", "bus/1.png"],
            parts: ["beside it lies bus", "'train' is the training split", "it is a class"]),
        Doubt(
            files: ["train/owl/1.png", "Training/owl/1.png"],
            parts: ["'Training' holds folders owl", "beside it lies train"]),
        Doubt(
            files: ["train/1.png", "test/1.png"],
            parts: ["test, train are named like splits", "folders of their classes", "need other names"]),
        Doubt(
            files: ["owl/1.png", "wren/1.png", "test/1.png"],
            parts: ["test are named like splits", "Either they are splits", "or they are classes"]),
        Doubt(
            files: ["test/owl/1.png", "val/owl/1.png"],
            parts: ["no folder train", "train is missing", "they are classes"]),
        Doubt(
            files: ["train/day/owl/1.png", "train/night/owl/1.png"], parts: ["set/train/day: expected images", "owl"]),
        Doubt(files: ["1.png", "2.png"], parts: ["found 2 images without a folder of their class"]),
        Doubt(files: ["train/images/1.png"], parts: ["set/train: expected folders of images by class"]),
        Doubt(files: ["readme.txt"], parts: ["by domain and class, found none"]),
    ]

    @Test(arguments: doubts) func whatCannotBeDecidedIsRefusedWithBothReadings(_ doubt: Doubt) throws {
        for file in doubt.files { try make(file) }
        let sentence = refusal { try read() }
        for part in doubt.parts { #expect(sentence.contains(part), "\(sentence)") }
    }

    @Test func aClassMayBeCalledTrain() throws {
        try make("bus/1.png", "train/1.png", "tram/1.png")
        #expect(try read().classNames == ["bus", "train", "tram"])
    }

    @Test func linksAreFollowedOnce() throws {
        try make("owl/1.png", "wren/1.png")
        try folder.write("elsewhere/2.png", [])
        func link(_ name: String, to target: String) throws {
            try FileManager.default.createSymbolicLink(
                atPath: folder.path + "/set/" + name, withDestinationPath: folder.path + "/" + target)
        }
        try link("swan", to: "elsewhere")
        try link("owl/link.png", to: "elsewhere/2.png")
        try link("owl/again", to: "set")
        try link("owl/above", to: "")
        try link("owl/gone.png", to: "nowhere")
        #expect(try images().count == 5)
        #expect(
            refusal { try read().dataset(unreadable: .refuse) }.contains("owl/gone.png: cannot be read: No such file"))
        try link("dove", to: "set/wren")
        #expect(refusal { try read() }.contains("expected a folder of its own, found that of"))
        try FileManager.default.removeItem(atPath: folder.path + "/set/dove")
        try link("hawk", to: "")
        #expect(
            refusal { try read() }
                == "\(folder.path)/set/hawk: expected a folder of its own, found that of \(folder.path) by a link")
    }

    @Test func linksThatLeadToEachOtherAreNamed() throws {
        try make("owl/1.png", "wren/1.png")
        for (name, target) in [("dove", "hawk"), ("hawk", "dove")] {
            try FileManager.default.createSymbolicLink(
                atPath: folder.path + "/set/" + name, withDestinationPath: target)
        }
        #expect(
            refusal { try read() } == "\(folder.path)/set/dove: cannot be read: Too many levels of symbolic links")
    }

    @Test func foldersThatAreNamedLikeImagesAreFolders() throws {
        try make("owl/1.png", "owl/2.jpg/3.png", "wren/1.png", "wren/4.jpg/notes.txt")
        #expect(try images() == ["owl: owl/1.png", "wren: wren/1.png"])
        #expect(
            try omitted() == [
                "1 left out, images in folders within a class's folder: owl/2.jpg/3.png",
                "1 left out, folders without images: wren/4.jpg",
            ])
    }

    @Test func aNameThatIsNotTextIsNamed() throws {
        try make("owl/1.png")
        let name: [UInt8] = Array((folder.path + "/set/owl/caf").utf8) + [0xe9, 0]
        let file = name.withUnsafeBytes {
            open($0.baseAddress!.assumingMemoryBound(to: CChar.self), O_CREAT | O_WRONLY, 0o600)
        }
        #expect(file >= 0 && close(file) == 0)
        #expect(
            refusal { try read() }
                == "\(folder.path)/set/owl: cannot be read: expected names in UTF-8, found 'caf\u{fffd}'")
    }

    @Test func aSlashBehindAPathDoesNotMatter() throws {
        try make("owl/1.png", "wren/small/1.png", "wren/2.png")
        let expected = try read().omitted
        let files = try ImageFiles.folder(folder.path + "/set/")
        #expect(files.name == "set" && files.omitted == expected)
        #expect(try files.dataset().place(of: 0) == folder.path + "/set/owl/1.png")
        #expect(try ImageFiles.folder(folder.path + "/set/owl/..").name == "set")
    }

    @Test func orderIsThatOfTheNames() throws {
        try make("b/10.png", "b/9.png", "a/Z.png", "a/é.png", "B/1.png")
        #expect(try images() == ["B: B/1.png", "a: a/Z.png", "a: a/é.png", "b: b/10.png", "b: b/9.png"])
    }
}
