import Files
import Foundation
import Testing

/// One holder at a time, whatever became of the processes that the holder started.
@Suite struct FileLockTests {
    @Test func aLockHasOneHolder() throws {
        try withFolder { folder in
            let lock = try FileLock(folder + "/lock")
            #expect(lock != nil)
            #expect(try FileLock(folder + "/lock") == nil)
            withExtendedLifetime(lock) {}
        }
    }

    @Test func aFolderIsLockedWithoutAFileInIt() throws {
        try withFolder { folder in
            let lock = try FileLock(folder: folder)
            #expect(try lock != nil && FileLock(folder: folder) == nil)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
            withExtendedLifetime(lock) {}
        }
    }

    @Test func aFolderThatIsMissingIsNamed() throws {
        let error = #expect(throws: FileError.self) { try FileLock("/nowhere/lock") }
        #expect("\(try #require(error))" == "/nowhere/lock: cannot open: No such file or directory")
    }

    /// Between fork and exec a child has a copy of every descriptor of its parent.
    @Test func aLockThatIsGivenUpIsFreeThoughAChildStillHoldsItsDescriptor() throws {
        try withFolder { folder in
            let path = folder + "/lock"
            var lock = try FileLock(path)
            let descriptor = try #require(try descriptor(holding: path))
            let child = try spawn(holding: descriptor)
            defer {
                kill(child, SIGKILL)
                waitpid(child, nil, 0)
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: "/proc/\(child)/fd").contains("9"))
            #expect(try FileLock(path) == nil)
            lock = nil
            #expect(lock == nil)
            #expect(try FileLock(path) != nil)
            #expect(kill(child, 0) == 0)
        }
    }

    private func descriptor(holding path: String) throws -> Int32? {
        let resolved = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        return try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { Int32($0) }.first {
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == resolved
        }
    }

    /// A process that keeps a copy of a descriptor, as its 9, and does nothing.
    private func spawn(holding descriptor: Int32) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, descriptor, 9)
        var child: pid_t = 0
        let arguments: [UnsafeMutablePointer<CChar>?] = [strdup("sleep"), strdup("60"), nil]
        defer { for argument in arguments { free(argument) } }
        let failure = posix_spawn(&child, "/bin/sleep", &actions, nil, arguments, environ)
        guard failure == 0 else { throw FileError(path: "/bin/sleep", operation: "start", code: failure) }
        return child
    }
}
