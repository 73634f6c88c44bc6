import Files
import Foundation
import Testing

@Suite struct FileBlocksTests {
    static func folder() throws -> String {
        let path = NSTemporaryDirectory() + "content-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    /// Sizes around that of a block.
    @Test(arguments: [0, 1, 7, 1 << 18, (1 << 18) + 1, 1_000_003])
    func givesAllBytesInTheirOrder(count: Int) throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 131 &+ $0 >> 8) }
        try Data(bytes).write(to: URL(fileURLWithPath: folder + "/file"))
        #expect(try RegularFile.bytes(of: folder + "/file") == bytes)
        var gathered: [UInt8] = []
        try RegularFile(folder + "/file").forEachBlock { gathered.append(contentsOf: $0) }
        #expect(gathered == bytes)
    }

    @Test func namesWhatCannotBeRead() throws {
        #expect(throws: UnreadableFile.self) { try RegularFile("/nowhere/file").forEachBlock { _ in } }
        #expect(throws: UnreadableFile.self) { try RegularFile("/tmp").forEachBlock { _ in } }
    }
}
