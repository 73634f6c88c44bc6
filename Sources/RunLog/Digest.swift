import CCrypto
import Files
import Foundation
import Text

/// A SHA-256 digest, by OpenSSL, which uses the processor's instructions for it.
public struct Digest: Hashable, Sendable, CustomStringConvertible {
    /// 32 bytes.
    public let bytes: [UInt8]

    /// The digest of some bytes.
    public init(of data: some ContiguousBytes) {
        var output = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        data.withUnsafeBytes { bytes in
            _ = SHA256(bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, &output)
        }
        bytes = output
    }

    /// The digest of a file's bytes, of which only a block at a time is in memory.
    ///
    /// - Throws: `UnreadableFile`.
    public init(ofFile path: String) throws {
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        EVP_DigestInit_ex(context, EVP_sha256(), nil)
        try RegularFile(path).forEachBlock { EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
        var output = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        EVP_DigestFinal_ex(context, &output, nil)
        bytes = output
    }

    /// The digest of several files: of the one, or of their digests in this order.
    package init(ofFiles paths: [String]) throws {
        let digests = try paths.map { try Digest(ofFile: $0) }
        self = digests.count == 1 ? digests[0] : Digest(of: digests.flatMap(\.bytes))
    }

    /// A digest that was read.
    public init(bytes: [UInt8]) { self.bytes = bytes }

    /// In hexadecimal.
    public var description: String { hexadecimal(bytes) }
}
