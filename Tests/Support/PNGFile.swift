import Foundation

/// A PNG file of gray or RGB bytes, not compressed.
package enum PNGFile {
    /// - Parameter pixels: [height, width, 3], or [height, width] for gray.
    package static func write(_ pixels: [UInt8], width: Int, height: Int, to path: String) throws {
        let channels = pixels.count / (width * height)
        let lines = (0..<height).flatMap { [0] + pixels[$0 * width * channels..<($0 + 1) * width * channels] }
        let header = number(width) + number(height) + [8, channels == 1 ? 0 : 2, 0, 0, 0]
        let bytes =
            [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] + chunk("IHDR", header) + chunk("IDAT", stored(lines))
            + chunk("IEND", [])
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    private static func number(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(value >> (24 - 8 * $0) & 255) } }

    private static func chunk(_ kind: String, _ body: [UInt8]) -> [UInt8] {
        var rest: UInt32 = .max
        for byte in kind.utf8 + body {
            rest ^= UInt32(byte)
            for _ in 0..<8 { rest = rest & 1 == 1 ? rest >> 1 ^ 0xedb8_8320 : rest >> 1 }
        }
        return number(body.count) + kind.utf8 + body + number(Int(~rest))
    }

    /// A zlib stream of blocks that are not compressed.
    private static func stored(_ bytes: [UInt8]) -> [UInt8] {
        var stream: [UInt8] = [0x78, 0x01]
        for start in stride(from: 0, to: bytes.count, by: 65_535) {
            let part = bytes[start..<min(start + 65_535, bytes.count)]
            let (low, high) = (UInt8(part.count & 255), UInt8(part.count >> 8))
            stream += [start + part.count == bytes.count ? 1 : 0, low, high, ~low, ~high] + part
        }
        var (a, b) = (1, 0)
        for byte in bytes {
            a = (a + Int(byte)) % 65_521
            b = (b + a) % 65_521
        }
        return stream + number(b << 16 | a)
    }
}
