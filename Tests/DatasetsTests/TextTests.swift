import Datasets
import Foundation
import Testing

/// Texts and classes by tables, lines of JSON and folders.
@Suite struct TextTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// `class: text` for each of a split.
    private func load(_ name: String, _ split: KnownDataset.Split = .train) throws -> [String] {
        let dataset = try #require(DatasetName(name)).load(split, from: DatasetFolders(folders: [folder.path]))
        #expect(dataset.holdsTexts)
        return try (0..<dataset.count).map {
            "\(dataset.classNames[dataset.labels[$0]]): \(try dataset.text(of: $0))"
        }
    }

    /// What is wrong with a table, without the folder's path.
    private func problem(_ file: String, _ bytes: [UInt8], _ name: String = "texts:set") throws -> String {
        try folder.write("set/" + file, bytes)
        defer { try? FileManager.default.removeItem(atPath: "\(folder.path)/set/\(file)") }
        do { return "read: \(try load(name))" } catch {
            return "\(error)".replacing(folder.path + "/set/", with: "")
        }
    }

    @Test func tables() throws {
        let expected = ["good: fine, \"really\"", "bad: no"]
        try folder.write("a/train.csv", Array("label,text,id\ngood,\"fine, \"\"really\"\"\",1\r\nbad,no,2\n".utf8))
        try folder.write("capitals/TRAIN.CSV", Array("label,text\ngood,fine\n".utf8))
        #expect(try load("texts:capitals") == ["good: fine"] && SiteImages.holdsTexts(folder.path + "/capitals"))
        try folder.write("a/test.jsonl", Array("{\"text\": \"x\", \"label\": \"good\"}\n".utf8))
        #expect(try load("texts:a") == expected)
        #expect(try load("texts:a", .test) == ["good: x"])
        try folder.write(
            "b/train.tsv", [0xef, 0xbb, 0xbf] + Array("text\tlabel\nfine, \"really\"\tgood\nno\tbad\n".utf8))
        #expect(try load("texts:b") == expected)
        try folder.write(
            "c/train.jsonl",
            Array(
                "{\"say\": \"fine, \\\"really\\\"\", \"is\": \"good\"}\n\n{\"say\": \"no\", \"is\": \"bad\", \"more\": []}"
                    .utf8))
        #expect(try load("texts:c:say,is") == expected)
        try folder.write(
            "d/train.jsonl", Array("{\"text\": \"a\", \"label\": 1}\n{\"text\": \"b\", \"label\": 0}\n".utf8))
        #expect(try load("texts:d") == ["1: a", "0: b"])
        // Names in values, below, or of fields that are not read are no repetition.
        let odd = #"{"text": "\"label\": {", "more": {"label": 1, "text": 2}, "x": 1, "x": [{}], "label": "text"}"#
        try folder.write("f/train.jsonl", Array(odd.utf8))
        #expect(try load("texts:f") == [#"text: "label": {"#])
    }

    @Test func foldersOfClasses() throws {
        try folder.write("e/train/good/one.txt", Array("fine\n\n really  \r\n".utf8))
        try folder.write("e/train/bad/two.txt", Array("no".utf8))
        try folder.write("e/test/bad/three.txt", Array("never\n".utf8))
        #expect(try load("texts:e") == ["bad: no", "good: fine", "good: really"])
        #expect(try load("texts:e", .test) == ["bad: never"])
    }

    @Test func tablesThatAreNoFilesAreNotWaitedFor() throws {
        try folder.write("g/test.csv", Array("text,label\na,b\n".utf8))
        let table = folder.path + "/g/train.csv"
        #expect(mkfifo(table, 0o600) == 0)
        let error = #expect(throws: DatasetError.self) { try load("texts:g") }
        #expect("\(error!)" == "\(table): cannot be read: expected a file, found a FIFO")
    }

    @Test func knownNames() throws {
        try folder.write("trec6/train.csv", Array("text,label\nWho wrote it ?,3\nHow many ?,5\n".utf8))
        #expect(try load("trec6") == ["human: Who wrote it ?", "number: How many ?"])
        try folder.write("banking77/test.csv", Array("text,label\nWhere is my card?,card_arrival\n".utf8))
        #expect(try load("banking77", .test) == ["card_arrival: Where is my card?"])
        #expect(
            throws: DatasetError.unsuitable(
                "\(folder.path)/trec6/train.csv:2: expected one of the classes 0, 1, 2, 3, 4, 5, found '9'")
        ) {
            try folder.write("trec6/train.csv", Array("text,label\nWho ?,9\n".utf8))
            _ = try load("trec6")
        }
    }

    /// Each is one clear line with the place of what is wrong.
    @Test func hostileTables() throws {
        let header = Array("text,label\n".utf8)
        let header77 = Array("text,label\na,b\n".utf8)
        let cases: [(String, [UInt8], String)] = [
            (
                "train.csv", header77 + Array("c".utf8) + [0] + Array(",d\n".utf8),
                "train.csv:3: expected text in UTF-8, found NUL, as in UTF-16 or in a file that is no text"
            ),
            (
                "train.csv", header77 + Array("caf".utf8) + [0xe9] + Array(",d\n".utf8),
                "train.csv:3: expected text in UTF-8, found bytes of another encoding (Latin-1?) after 'caf'"
            ),
            ("train.csv", [0xff, 0xfe, 0x74, 0], "train.csv:1: expected text in UTF-8, found UTF-16"),
            (
                "train.csv", header + [UInt8](repeating: UInt8(ascii: "x"), count: 10_000_000) + Array(",d\n".utf8),
                "train.csv:2: expected a text of at most 1048576 bytes, found 10000000"
            ),
            (
                "train.csv", header + Array("a,".utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: 1001),
                "train.csv:2: expected a class of at most 1000 bytes, found 1001"
            ),
            (
                "train.csv", Array("hello,good\nbye,bad\n".utf8),
                "train.csv:1: expected a header with the columns text and label, found hello, good"
            ),
            (
                "train.csv", header + Array("\"never closed,a\nb,c\n".utf8),
                "train.csv:2: expected a closing quote, found the end of the file"
            ),
            ("train.csv", header + Array("a\n".utf8), "train.csv:2: expected 2 fields, found 1"),
            ("train.csv", header + Array("a,\n".utf8), "train.csv:2: expected a class in the column label, found none"),
            ("train.csv", header + Array(",a\n".utf8), "train.csv:2: expected a text in the column text, found none"),
            (
                "train.csv", header + Array("\" \",a\n".utf8),
                "train.csv:2: expected a text in the column text, found none"
            ),
            (
                "train.csv", Array("text,label,split\na,b,dev\n".utf8),
                "train.csv:2: expected the split train, test or val, found 'dev'"
            ),
            ("train.csv", header, "train.csv: expected a row for each text, found none"),
            ("train.csv", [], "train.csv:1: expected a header with the columns text and label, found an empty file"),
            ("train.tsv", Array("text\tlabel\na\tb\tc\n".utf8), "train.tsv:2: expected 2 fields, found 3"),
            (
                "train.tsv", Array("text\tlabel\na\tb\n".utf8) + [0xff] + Array("\tb\n".utf8),
                "train.tsv:3: expected text in UTF-8, found bytes of another encoding (Latin-1?)"
            ),
            (
                "train.jsonl", Array("{\"text\": \"a\", \"label\": \"b\"}\n{\"text\": \n".utf8),
                "train.jsonl:2: expected a JSON object with the fields text and label"
            ),
            (
                "train.jsonl", Array("{\"text\": \"a\", \"label\": [1]}\n".utf8),
                "train.jsonl:1: expected a text or a whole number in the field label, found a list"
            ),
            (
                "train.jsonl", Array("{\"text\": \"a\", \"label\": 1}\n{\"text\": \"a\", \"label\": 1.5}\n".utf8),
                "train.jsonl:2: expected a text or a whole number in the field label, found 1.5"
            ),
            (
                "train.jsonl", Array("{\"text\": true, \"label\": 1}\n".utf8),
                "train.jsonl:1: expected a text or a whole number in the field text, found true"
            ),
            (
                "train.jsonl", Array("{\"text\": \"a\", \"label\": 1, \"split\": {}}\n".utf8),
                "train.jsonl:1: expected a text or a whole number in the field split, found an object"
            ),
            (
                "train.jsonl", Array("{\"text\": \"a\", \"label\": 1, \"label\": 2}\n".utf8),
                "train.jsonl:1: expected a text or a whole number in the field label, found the field more than once"
            ),
            (
                "train.jsonl", Array("{\"te\\u0078t\" : \"a\", \"label\": 1, \"text\": \"b\"}\n".utf8),
                "train.jsonl:1: expected a text or a whole number in the field text, found the field more than once"
            ),
            (
                "train.jsonl", Array("{\"text\": \"a\\ud800\", \"label\": 1}\n".utf8),
                "train.jsonl:1: expected a text or a whole number in the field text, found a text with an escape that"
                    + " is no character, such as \\ud800 alone"
            ),
            (
                "train.jsonl", Array("{\"text\": \"a\", \"label\": null}\n".utf8),
                "train.jsonl:1: expected a class in the column label, found none"
            ),
        ]
        for (file, bytes, expected) in cases { #expect(try problem(file, bytes) == expected) }
        try folder.write("set/test.csv", header77 + Array("c,b\n".utf8))
        try folder.write("set/test.tsv", header77)
        #expect(
            try problem("train.csv", header77)
                == "\(folder.path)/set: expected one table of the split test, found test.csv, test.tsv")
        try FileManager.default.removeItem(atPath: "\(folder.path)/set/test.tsv")
        try folder.write("set/test.csv", Array("text,label,split\na,b,test\nc,d,train\n".utf8))
        #expect(
            try problem("train.csv", header77)
                == "test.csv:3: expected the split test, as the file's name says, found another")
        try FileManager.default.removeItem(atPath: "\(folder.path)/set/test.csv")
        #expect(try problem("other.csv", header77).hasPrefix("\(folder.path)/set: expected a table train.csv"))
    }

    @Test func sitesOfTexts() throws {
        let classes = try ClassList(["good", "bad", "odd"])
        let table = try folder.write("own.csv", Array("text,label,split\na,bad,train\nb,good,test\nc,bad,\n".utf8))
        #expect(throws: DatasetError.self) { try SiteImages.open(table, classes: classes) }
        try folder.write("own.csv", Array("text,label,split\na,bad,train\nb,good,test\nc,bad,train\n".utf8))
        let site = try SiteImages.open(table, classes: classes)
        #expect(site.training.labels == [1, 1] && site.test?.labels == [0] && site.missingClasses == ["odd"])
        #expect(try site.training.text(of: 1) == "c")
        #expect(site.training.place(of: 1) == "\(table):4")
        #expect(throws: DatasetError.self) { try SiteImages.open(table, classes: ClassList(["good"])) }
        #expect(try ClassList(from: table).names == ["bad", "good"])
    }

    @Test func textsAreNoImages() throws {
        try folder.write("a/train.csv", Array("text,label\nfine,good\n".utf8))
        let texts = try #require(DatasetName("texts:a")).load(.train, from: DatasetFolders(folders: [folder.path]))
        #expect(
            throws: DatasetError.unsuitable(
                "\(folder.path)/a/train.csv:2: expected an image, found a text: set encoder.path to an encoder of texts"
            )
        ) { try texts.requireImages() }
        #expect(throws: DatasetError.self) { try texts.pixels(of: 0) }
    }

    @Test func namesThatAreNone() {
        for name in ["texts", "texts:", "texts:a:b", "texts:a:b,", "texts:a:b,b", "texts:a:b,c,d", "texts:a:b,c:d"] {
            #expect(DatasetName(name) == nil, "\(name)")
        }
    }
}
