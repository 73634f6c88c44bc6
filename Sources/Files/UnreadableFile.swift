import Glibc

/// Why a file cannot be read, naming it.
public struct UnreadableFile: Error, Equatable, CustomStringConvertible {
    public let path: String
    /// What the system says, or what was expected and found.
    public let reason: String

    package init(_ path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    init(_ path: String, code: Int32) { self.init(path, reason: String(cString: strerror(code))) }

    init(_ path: String, tooLong most: Int, _ found: String) {
        self.init(path, reason: "expected at most \(most) bytes, found \(found)")
    }

    public var description: String { "\(path): cannot be read: \(reason)" }
}
