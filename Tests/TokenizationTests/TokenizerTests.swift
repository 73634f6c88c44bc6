import Foundation
import Testing
import Tokenization

private let python = ProcessInfo.processInfo.environment["IMPROMPTU_PYTHON"]
private let fixtures = Bundle.module.bundlePath + "/Fixtures"

/// A text with the tokens that Hugging Face's package makes of it.
private struct Row: Decodable {
    var text: String
    var cased, uncased, casedCut, uncasedCut: [Int32]

    enum CodingKeys: String, CodingKey {
        case text, cased, uncased
        case casedCut = "cased-cut"
        case uncasedCut = "uncased-cut"
    }

    static func read(_ folder: String) throws -> [Row] {
        try String(contentsOfFile: folder + "/texts.jsonl", encoding: .utf8).split(separator: "\n").map {
            try JSONDecoder().decode(Row.self, from: Data($0.utf8))
        }
    }
}

@Suite struct TokenizerTests {
    /// Both tokenizers of a folder must make of each text what the package makes of it.
    private func compare(_ folder: String, atLeast lines: Int) throws {
        let rows = try Row.read(folder)
        #expect(rows.count >= lines)
        for name in ["cased", "uncased"] {
            let tokenizer = try WordPieceTokenizer(folder: folder + "/" + name)
            #expect(tokenizer.normalizer.lowercases == (name == "uncased"))
            for row in rows {
                let (whole, cut) = name == "cased" ? (row.cased, row.casedCut) : (row.uncased, row.uncasedCut)
                #expect(tokenizer.encode(row.text, maximumLength: 1 << 20) == whole, "\(row.text.debugDescription)")
                #expect(tokenizer.encode(row.text, maximumLength: 12) == cut, "\(row.text.debugDescription)")
            }
        }
    }

    @Test func goldenTextsFromTokenizerJSON() throws { try compare(fixtures + "/golden", atLeast: 200) }

    @Test func goldenTextsFromVocabulary() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/tokenizer-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.copyItem(atPath: fixtures + "/golden", toPath: folder)
        for name in ["cased", "uncased"] {
            try FileManager.default.removeItem(atPath: "\(folder)/\(name)/tokenizer.json")
        }
        try compare(folder, atLeast: 200)
    }

    /// Other texts than the golden ones, with both tokenizers made again.
    @Test(
        .enabled(if: python != nil, "IMPROMPTU_PYTHON names no Python with tokenizers; 'Deploy/setup --test' makes one")
    )
    func twentyThousandTexts() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/tokenizer-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(python))
        process.arguments = [fixtures + "/make-texts.py", folder, "20000", "2"]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        try compare(folder, atLeast: 20_000)
    }

    /// Pieces that Unicode counts as equivalent are different pieces.
    @Test func equivalentPiecesAreApart() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/tokenizer-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data("[PAD]\n[UNK]\n[CLS]\n[SEP]\n\u{e9}\ne\u{301}\n".utf8).write(
            to: URL(fileURLWithPath: folder + "/vocab.txt"))
        try Data(#"{"do_lower_case": false}"#.utf8).write(to: URL(fileURLWithPath: folder + "/tokenizer_config.json"))
        let tokenizer = try WordPieceTokenizer(folder: folder)
        #expect(tokenizer.encode("\u{e9} e\u{301}", maximumLength: 9) == [2, 4, 5, 3])
    }

    /// A line of marks alone takes no time that grows with its square.
    @Test func longRunsOfMarks() throws {
        let tokenizer = try WordPieceTokenizer(folder: fixtures + "/golden/uncased")
        let marks = String(repeating: "\u{301}\u{323}", count: 50_000)
        #expect(tokenizer.encode("a" + marks, maximumLength: 8) == tokenizer.encode("a", maximumLength: 8))
    }

    @Test func filesThatAreNone() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/tokenizer-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        func refusal() -> String {
            do { return "read: \(try WordPieceTokenizer(folder: folder).vocabulary.count)" } catch { return "\(error)" }
        }
        #expect(refusal() == "\(folder): expected tokenizer.json or vocab.txt beside the weights, found neither")
        let vocabulary = URL(fileURLWithPath: folder + "/vocab.txt")
        try Data("[UNK]\n[CLS]\n".utf8).write(to: vocabulary)
        #expect(refusal() == "\(vocabulary.path), vocabulary: expected the piece [SEP], found none")
        try Data([0xff, 0xfe]).write(to: vocabulary)
        #expect(refusal() == "\(vocabulary.path): expected text in UTF-8, a piece on each line")
        let json = URL(fileURLWithPath: folder + "/tokenizer.json")
        for (content, expected) in [
            (
                #"{"model": {"type": "BPE", "unk_token": "", "continuing_subword_prefix": "", "max_input_chars_per_word": 1}}"#,
                "\(json.path), model.type: expected WordPiece, found BPE"
            ),
            (#"{"model": {}}"#, "\(json.path): expected the field model.unk_token, found none"),
            ("[", "\(json.path): "),
        ] {
            try Data(content.utf8).write(to: json)
            #expect(refusal().hasPrefix(expected), "\(refusal())")
        }
    }
}
