import Glibc

/// Why a file or folder cannot be written, naming it.
public struct FileError: Error, Equatable, CustomStringConvertible {
    public var path: String
    /// What was tried, in the infinitive.
    public var operation: String
    /// The system's errno.
    public var code: Int32

    package init(path: String, operation: String, code: Int32 = errno) {
        self.path = path
        self.operation = operation
        self.code = code
    }

    /// What the system says.
    public var reason: String { String(cString: strerror(code)) }

    public var description: String { "\(path): cannot \(operation): \(reason)" }
}
