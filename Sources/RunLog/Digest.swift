import CSodium
import Foundation

/// A SHA-256 digest, by libsodium.
public struct Digest: Hashable, Sendable, CustomStringConvertible {
    /// 32 bytes.
    public let bytes: [UInt8]

    /// The digest of some bytes.
    public init(of data: [UInt8]) {
        var output = [UInt8](repeating: 0, count: Int(crypto_hash_sha256_BYTES))
        data.withUnsafeBufferPointer { _ = crypto_hash_sha256(&output, $0.baseAddress, UInt64($0.count)) }
        bytes = output
    }

    /// The digest of a file's bytes.
    public init(ofFile path: String) throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw RunFolderError("\(path): cannot read")
        }
        self.init(of: [UInt8](data))
    }

    /// The digest of several files: of the one, or of their digests in this order.
    package init(ofFiles paths: [String]) throws {
        let digests = try paths.map { try Digest(ofFile: $0) }
        self = digests.count == 1 ? digests[0] : Digest(of: digests.flatMap(\.bytes))
    }

    /// A digest that was read.
    public init(bytes: [UInt8]) { self.bytes = bytes }

    /// In hexadecimal.
    public var description: String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
