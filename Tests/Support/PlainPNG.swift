import Foundation
import PromptAggregation

/// Small images for tests.
package enum PlainPNG {
    /// A picture of `size` x `size` pixels in one colour with noise, as a PNG file that is not compressed.
    /// - Parameters:
    ///   - hue: from 0 to 1; images of different hues are easy to tell apart.
    ///   - seed: of the noise.
    package static func picture(hue: Double, size: Int = 32, seed: UInt64) -> [UInt8] {
        var random = SeededRandom(seed: seed, stream: 0)
        let base = [0.0, 1.0 / 3, 2.0 / 3].map { 128 + 100 * cos(2 * .pi * (hue - $0)) }
        var rows: [UInt8] = []
        for _ in 0..<size {
            // No filter.
            rows.append(0)
            for _ in 0..<size {
                rows += base.map { UInt8(clamping: Int($0 + 16 * random.nextNormal())) }
            }
        }
        return file(width: size, height: size, rows)
    }

    /// - Parameter rows: each a filter's number and its pixels of three bytes.
    private static func file(width: Int, height: Int, _ rows: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
        bytes += chunk("IHDR", big(UInt32(width)) + big(UInt32(height)) + [8, 2, 0, 0, 0])
        bytes += chunk("IDAT", stored(rows))
        return bytes + chunk("IEND", [])
    }

    private static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
        let body = Array(name.utf8) + data
        return big(UInt32(data.count)) + body + big(checksum(body))
    }

    /// A zlib stream of blocks without compression.
    private static func stored(_ data: [UInt8]) -> [UInt8] {
        var stream: [UInt8] = [0x78, 0x01]
        var (a, b): (UInt32, UInt32) = (1, 0)
        for byte in data {
            a = (a + UInt32(byte)) % 65_521
            b = (b + a) % 65_521
        }
        for start in stride(from: 0, to: data.count, by: 65_535) {
            let block = data[start..<min(data.count, start + 65_535)]
            let length = UInt16(block.count)
            stream.append(block.endIndex == data.count ? 1 : 0)
            stream += [length, ~length].flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
            stream += block
        }
        return stream + big(b << 16 | a)
    }

    /// CRC-32 as PNG has it.
    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var value: UInt32 = ~0
        for byte in bytes {
            value ^= UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? 0xedb8_8320 ^ value >> 1 : value >> 1 }
        }
        return ~value
    }

    private static func big(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }
}
