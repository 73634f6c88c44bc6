import CZlib
import Foundation

/// The content of gzip files.
enum Gzip {
    static func isGzip(_ bytes: Data) -> Bool { bytes.starts(with: [0x1f, 0x8b]) }

    /// The most that a file may hold uncompressed.
    private static let mostBytes = 4 << 30

    /// The uncompressed content; a file that is cut short, damaged, or followed by other bytes is refused.
    static func content(of compressed: Data, file: String) throws(DatasetError) -> Data {
        let outcome = compressed.withUnsafeBytes { bytes in
            Result { () throws(DatasetError) in try content(of: bytes, file: file) }
        }
        return try outcome.get()
    }

    private static func content(of compressed: UnsafeRawBufferPointer, file: String) throws(DatasetError) -> Data {
        var stream = z_stream()
        // 16 asks for gzip's frame, 15 is the largest window.
        guard inflateInit2_(&stream, 16 + 15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw .unreadable(file: file, reason: "zlib could not start")
        }
        defer { inflateEnd(&stream) }
        var content = Data()
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        var consumed = 0
        while true {
            // zlib counts its input in 32 bits.
            let input = compressed[consumed..<min(compressed.count, consumed + 1 << 30)]
            stream.next_in = UnsafeMutablePointer(
                mutating: UnsafeRawBufferPointer(rebasing: input).bindMemory(to: UInt8.self).baseAddress)
            stream.avail_in = UInt32(input.count)
            let (status, produced) = chunk.withUnsafeMutableBufferPointer { output in
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(output.count)
                let status = inflate(&stream, Z_NO_FLUSH)
                return (status, output.count - Int(stream.avail_out))
            }
            let taken = input.count - Int(stream.avail_in)
            consumed += taken
            content.append(contentsOf: chunk[..<produced])
            if status == Z_STREAM_END { break }
            guard status == Z_OK || status == Z_BUF_ERROR else {
                let reason = stream.msg.map { String(cString: $0) } ?? "zlib status \(status)"
                throw .damaged(file: file, offset: consumed, problem: "damaged gzip data: \(reason)")
            }
            guard content.count <= mostBytes else {
                throw .damaged(file: file, offset: consumed, problem: "expected at most \(mostBytes) bytes of content")
            }
            if taken == 0, produced == 0 {
                throw .damaged(
                    file: file, offset: compressed.count,
                    problem: "the gzip data ends early, after \(content.count) bytes of content")
            }
        }
        guard consumed == compressed.count else {
            throw .damaged(
                file: file, offset: consumed,
                problem: "expected the end of the file after the gzip data, found \(compressed.count - consumed) bytes")
        }
        return content
    }
}
