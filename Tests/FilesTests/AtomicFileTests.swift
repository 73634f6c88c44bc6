import Files
import Foundation
import Testing

/// Calls a body with a folder that is gone afterwards.
func withFolder(_ body: (String) throws -> Void) throws {
    let path = NSTemporaryDirectory() + "impromptu-files-" + UUID().uuidString
    try Folder.make(path)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
}

/// The permissions of a file.
private func mode(_ path: String) throws -> Int {
    try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
}

/// A file is replaced whole, and nothing of a write that failed stays.
@Suite struct AtomicFileTests {
    @Test(arguments: [false, true]) func aFileIsReplacedWhole(syncs: Bool) throws {
        try withFolder { folder in
            let path = folder + "/a"
            for text in ["first", "", String(repeating: "x", count: 300_000)] {
                try AtomicFile.replace(path, with: text.utf8, syncs: syncs)
                #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a"])
        }
    }

    @Test func permissionsAreThoseAskedForOrThoseOfTheFileBefore() throws {
        try withFolder { folder in
            let path = folder + "/a"
            try AtomicFile.replace(path, with: [1], mode: 0o600)
            #expect(try mode(path) == 0o600)
            try AtomicFile.replace(path, with: [2])
            #expect(try mode(path) == 0o600)
            try AtomicFile.replace(path, with: [3], mode: 0o640)
            #expect(try mode(path) == 0o640)
        }
    }

    @Test func aPlaceThatCannotBeWrittenIsNamedAndLeftAsItWas() throws {
        try withFolder { folder in
            let missing = folder + "/missing/a"
            let absent = #expect(throws: FileError.self) { try AtomicFile.replace(missing, with: [1]) }
            #expect("\(try #require(absent))" == "\(missing): cannot make: No such file or directory")
            // A folder is not replaced by a file; what was written for it goes.
            let taken = folder + "/taken"
            try Folder.make(taken)
            let error = #expect(throws: FileError.self) { try AtomicFile.replace(taken, with: [1]) }
            #expect("\(try #require(error))" == "\(taken): cannot replace: Is a directory")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["taken"])
        }
    }

    @Test func aFullDiskIsReported() throws {
        let error = #expect(throws: FileError.self) {
            let full = try NewFile("/dev/full", flags: 0, mode: 0o600)
            try full.write([1, 2, 3])
        }
        #expect("\(try #require(error))" == "/dev/full: cannot write: No space left on device")
    }

    @Test func writersAtTheSameTimeLeaveOneOfTheirFiles() async throws {
        let folder = NSTemporaryDirectory() + "impromptu-files-" + UUID().uuidString
        try Folder.make(folder)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<8 as Range<UInt8> {
                group.addTask {
                    for _ in 0..<20 {
                        try AtomicFile.replace(folder + "/a", with: [UInt8](repeating: writer, count: 10_000))
                    }
                }
            }
            try await group.waitForAll()
        }
        let bytes = try Data(contentsOf: URL(fileURLWithPath: folder + "/a"))
        #expect(bytes.count == 10_000 && Set(bytes).count == 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a"])
    }

    @Test func foldersAreMadeWithThoseAboveThem() throws {
        try withFolder { folder in
            try Folder.make(folder + "/a/b/c/")
            try Folder.make(folder + "/a/b")
            #expect(FileManager.default.fileExists(atPath: folder + "/a/b/c"))
            try AtomicFile.replace(folder + "/file", with: [])
            for path in ["/file", "/file/below"] {
                let error = #expect(throws: FileError.self) { try Folder.make(folder + path) }
                #expect(try #require(error).code == ENOTDIR, "\(path)")
            }
            #expect(["/a", "a", "a/b", "/a/b/", "a//b", "/"].map(Folder.parent) == ["/", ".", "a", "/a", "a/", "/"])
        }
    }
}
