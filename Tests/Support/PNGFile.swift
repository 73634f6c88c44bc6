import Foundation

/// A PNG file of gray or RGB bytes, not compressed.
package enum PNGFile {
    /// - Parameter pixels: [height, width, 3], or [height, width] for gray.
    package static func write(_ pixels: [UInt8], width: Int, height: Int, to path: String) throws {
        let channels = pixels.count / (width * height)
        let stride = width * channels
        var lines: [UInt8] = []
        for row in 0..<height {
            lines.append(0)
            lines += pixels[row * stride..<(row + 1) * stride]
        }
        let colour: UInt8 = channels == 1 ? 0 : 2
        let header: [UInt8] = number(width) + number(height) + [8, colour, 0, 0, 0]
        var bytes: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
        bytes += chunk("IHDR", header)
        bytes += chunk("IDAT", stored(lines))
        bytes += chunk("IEND", [])
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    private static func number(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(value >> (24 - 8 * $0) & 255) } }

    private static func chunk(_ kind: String, _ body: [UInt8]) -> [UInt8] {
        var rest: UInt32 = .max
        let covered = Array(kind.utf8) + body
        for byte in covered {
            rest ^= UInt32(byte)
            for _ in 0..<8 { rest = rest & 1 == 1 ? rest >> 1 ^ 0xedb8_8320 : rest >> 1 }
        }
        var bytes = number(body.count)
        bytes += covered
        bytes += number(Int(~rest))
        return bytes
    }

    /// A zlib stream of blocks that are not compressed.
    private static func stored(_ bytes: [UInt8]) -> [UInt8] {
        var stream: [UInt8] = [0x78, 0x01]
        for start in stride(from: 0, to: bytes.count, by: 65_535) {
            let part = bytes[start..<min(start + 65_535, bytes.count)]
            let (low, high) = (UInt8(part.count & 255), UInt8(part.count >> 8))
            stream.append(start + part.count == bytes.count ? 1 : 0)
            stream += [low, high, ~low, ~high]
            stream += part
        }
        var (a, b) = (1, 0)
        for byte in bytes {
            a = (a + Int(byte)) % 65_521
            b = (b + a) % 65_521
        }
        return stream + number(b << 16 | a)
    }
}
