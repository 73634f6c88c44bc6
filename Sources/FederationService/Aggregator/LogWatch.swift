import Foundation
import RunLog

/// Notices that the last segment of a run's log is no longer the file that the aggregator writes: removed, replaced or cut short by somebody
/// else. What is written then reaches nobody.
struct LogWatch: Sendable {
    let path: String
    private let device: dev_t
    private let file: ino_t

    /// - Throws: `LogLost` where there is no such file.
    init(path: String) throws(LogLost) {
        self.path = path
        guard let found = Self.look(at: path) else { throw LogLost(path: path, problem: Self.reason()) }
        (device, file) = (found.st_dev, found.st_ino)
    }

    /// Looks at the file. It may wait for the disk, so it is no work for the loop's thread.
    /// - Parameter length: what is known to be on the disk, in bytes.
    /// - Throws: `LogLost`.
    func check(length: UInt64) throws(LogLost) {
        guard let found = Self.look(at: path) else { throw LogLost(path: path, problem: Self.reason()) }
        guard found.st_dev == device, found.st_ino == file else {
            throw LogLost(path: path, problem: "it was replaced by another file")
        }
        guard found.st_size >= off_t(length) else {
            throw LogLost(path: path, problem: "expected at least \(length) bytes, found \(found.st_size)")
        }
    }

    private static func look(at path: String) -> stat? {
        var found = stat()
        return stat(path, &found) == 0 ? found : nil
    }

    private static func reason() -> String { String(cString: strerror(errno)) }
}

/// The log was taken away under a running aggregator.
struct LogLost: Error, CustomStringConvertible {
    var path: String
    var problem: String

    var description: String {
        "\(path): the run's log was changed by another hand (\(problem)); nothing more is acknowledged"
    }
}
