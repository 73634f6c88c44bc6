import Files
import Foundation
import Testing

/// What is no file with an end is named and not waited for.
@Suite struct RegularFileTests {
    private func refusal(_ path: String, _ read: (String) throws(UnreadableFile) -> Void) -> String {
        do throws(UnreadableFile) {
            try read(path)
            return "read"
        } catch { return "\(error)" }
    }

    @Test func eachKindIsNamed() throws {
        try withFolder { folder in
            let pipe = folder + "/pipe"
            #expect(mkfifo(pipe, 0o600) == 0)
            let (link, loop) = (folder + "/link", folder + "/loop")
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "/dev/zero")
            try FileManager.default.createSymbolicLink(atPath: loop, withDestinationPath: loop)
            for (path, problem) in [
                (folder, "expected a file, found a folder"), (pipe, "expected a file, found a FIFO"),
                ("/dev/zero", "expected a file, found a device"), (link, "expected a file, found a device"),
                (loop, "Too many levels of symbolic links"), (folder + "/none", "No such file or directory"),
            ] {
                let expected = "\(path): cannot be read: \(problem)"
                #expect(refusal(path) { path throws(UnreadableFile) in _ = try RegularFile(path) } == expected)
                #expect(refusal(path) { path throws(UnreadableFile) in try RegularFile.require(path) } == expected)
                #expect(
                    refusal(path) { path throws(UnreadableFile) in _ = try RegularFile.bytes(of: path) } == expected)
                #expect(refusal(path) { path throws(UnreadableFile) in _ = try GivenFile.bytes(of: path) } == expected)
            }
        }
    }

    @Test(arguments: [0, 1, 4095, 4096, 300_000]) func bytesComeWhole(count: Int) throws {
        try withFolder { folder in
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            try AtomicFile.replace(folder + "/a", with: bytes)
            #expect(try RegularFile.bytes(of: folder + "/a", atMost: count) == bytes)
            #expect(try RegularFile(folder + "/a").size == count)
            let tooMany = "\(folder)/a: cannot be read: expected at most \(count - 1) bytes, found \(count)"
            if count > 0 {
                #expect(
                    refusal(folder + "/a") { path throws(UnreadableFile) in
                        _ = try RegularFile.bytes(of: path, atMost: count - 1)
                    } == tooMany)
            }
        }
    }

    /// The kernel says of its own files that they are empty.
    @Test func aFileMayHoldMoreThanItsSize() throws {
        let said = try RegularFile.bytes(of: "/proc/self/status")
        #expect(String(decoding: said, as: UTF8.self).contains("VmPeak"))
    }

    /// A shell hands one over as `<(…)`.
    @Test func aPipeWithoutANameIsReadToItsEnd() throws {
        let pipe = Pipe()
        let bytes = [UInt8](repeating: 7, count: 20_000)
        try pipe.fileHandleForWriting.write(contentsOf: Data(bytes))
        try pipe.fileHandleForWriting.close()
        let path = "/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)"
        #expect(
            refusal(path) { path throws(UnreadableFile) in try RegularFile.require(path) }.hasSuffix("found a FIFO"))
        #expect(try GivenFile.bytes(of: path) == bytes)
        #expect(try GivenFile.bytes(of: "/dev/null").isEmpty)
    }
}
