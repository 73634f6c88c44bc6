import Foundation
import Safetensors
import Testing

/// One model in one file, in several with an index, or in a folder.
@Suite struct SafetensorsModelTests {
    private static let index = "model.safetensors.index.json"
    private static let first = "model-00001-of-00002.safetensors"
    private static let second = "model-00002-of-00002.safetensors"

    /// A folder with shards: for each file its tensors' names, each tensor with one value; and what the index says.
    private func folder(
        _ shards: [String: [String]] = [first: ["a", "b"], second: ["c"]], index: [String: String]? = nil
    ) throws -> URL {
        let folder = URL(fileURLWithPath: NSTemporaryDirectory() + "shards-\(UUID().uuidString)", isDirectory: true)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var map: [String: String] = [:]
        for (shard, names) in shards {
            let tensors = names.map { name in
                NewTensor(name: name, shape: [1], values: .float32([Float(name.utf8.first!)]))
            }
            try writeSafetensors(tensors, to: folder.appendingPathComponent(shard).path)
            for name in names { map[name] = shard }
        }
        try write(index ?? map, to: folder)
        return folder
    }

    private func write(_ map: [String: String], to folder: URL) throws {
        let json = try JSONEncoder().encode(["weight_map": map])
        try json.write(to: folder.appendingPathComponent(Self.index))
    }

    /// The problem that is named when the folder is opened; the folder is removed.
    private func refusal(_ folder: URL) -> String? {
        defer { try? FileManager.default.removeItem(at: folder) }
        do {
            _ = try SafetensorsModel(path: folder.path)
            return nil
        } catch SafetensorsError.index(_, let problem), SafetensorsError.folder(_, let problem) {
            return problem.replacingOccurrences(of: folder.path + "/", with: "")
        } catch {
            return "\(error)"
        }
    }

    @Test func shardsAreOneModel() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        for path in [folder.path, folder.appendingPathComponent(Self.index).path] {
            let model = try SafetensorsModel(path: path)
            #expect(model.names == ["a", "b", "c"])
            #expect(model.path == folder.appendingPathComponent(Self.index).path)
            #expect(
                model.paths == [Self.index, Self.first, Self.second].map { folder.appendingPathComponent($0).path })
            for name in model.names {
                #expect(try model.tensor(named: name).floats() == [Float(name.utf8.first!)])
            }
            #expect(model.contains("c"))
            #expect(!model.contains("d"))
            #expect(throws: SafetensorsError.missingTensor(path: model.path, tensor: "d")) {
                try model.tensor(named: "d")
            }
        }
    }

    @Test func missingShardsAreNamed() throws {
        let folder = try folder()
        try FileManager.default.removeItem(at: folder.appendingPathComponent(Self.second))
        #expect(refusal(folder) == "1 of 2 shards are missing beside it: \(Self.second)")
    }

    @Test(arguments: [
        // A tensor that no shard has, one in another shard than the index says, and one that it does not list.
        (["a": first, "b": first, "c": second, "d": second], "'d' is not in \(second), where the index says it is"),
        (["a": first, "b": second, "c": second], "expected tensor 'b' in \(second), found it in \(first)"),
        (["a": first, "c": second], "does not list tensor 'b', which is in \(first)"),
        (["a": first, "b": first, "c": "../" + second], "found '../\(second)'"),
        ([:], "lists no tensor"),
    ]) func indexAndShardsMustAgree(_ index: [String: String], _ expected: String) throws {
        let problem = try #require(refusal(folder(index: index)))
        #expect(problem.contains(expected))
    }

    @Test func aTensorIsInOneShard() throws {
        let folder = try folder([Self.first: ["a", "b"], Self.second: ["b", "c"]])
        #expect(refusal(folder) == "tensor 'b' is in two shards: \(Self.first) and \(Self.second)")
    }

    @Test func brokenShardsAndIndicesAreNamed() throws {
        let pointer = Data("version https://git-lfs.github.com/spec/v1\nsize 7\n".utf8)
        for name in [Self.first, Self.index] {
            let folder = try folder()
            let path = folder.appendingPathComponent(name).path
            try pointer.write(to: URL(fileURLWithPath: path))
            #expect(
                refusal(folder) == "\(SafetensorsError.foreign(path: path, .gitLFSPointer(bytes: 7)))")
        }
        for text in ["{", "[]", "{\"weight_map\": 1}", "{\"weight_map\": {\"a\": 1}}"] {
            let folder = try folder()
            try Data(text.utf8).write(to: folder.appendingPathComponent(Self.index))
            #expect(
                refusal(folder) == "expected JSON with an object 'weight_map' from tensors to files, found none")
        }
    }

    @Test func aFolderHoldsOneModel() throws {
        func place(_ files: [String: Data]) throws -> URL {
            let place = URL(fileURLWithPath: NSTemporaryDirectory() + "folder-\(UUID().uuidString)", isDirectory: true)
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            for (name, content) in files { try content.write(to: place.appendingPathComponent(name)) }
            return place
        }
        let header = Data("{}".utf8)
        let empty = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) } + header
        let pickle = Data([0x80, 2, 0x8a, 10])
        let expected = "expected model.safetensors or model.safetensors.index.json"

        #expect(refusal(try place(["vit.safetensors": empty, "vit.bin": pickle])) == nil)
        #expect(refusal(try place(["model.safetensors": empty, "vit.safetensors": empty])) == nil)
        #expect(
            refusal(try place(["a.safetensors": empty, "b.safetensors": empty]))
                == "holds several weights (a.safetensors, b.safetensors): name one of the files")
        #expect(
            refusal(try place([Self.first: empty, Self.second: empty]))
                == "holds shards (\(Self.first) ...) without the index \(Self.index): copy it too")
        #expect(
            refusal(try place(["config.json": header, "pytorch_model.bin": pickle]))
                == "\(expected), found pytorch_model.bin, a Python pickle, as older PyTorch checkpoints are: load it in PyTorch and write its tensors with safetensors.torch.save_file"
        )
        #expect(refusal(try place(["config.json": header])) == "\(expected), found config.json")
        #expect(refusal(try place([:])) == "\(expected), found an empty folder")
        #expect(throws: SafetensorsError.unreadable(path: "/none/such", "No such file or directory")) {
            try SafetensorsModel(path: "/none/such")
        }
    }
}
