/// What the markers of a JPEG file say (ITU-T T.81, annex B), without decoding it.
struct JPEGMarkers {
    /// The frame header (SOF).
    struct Frame {
        /// The second byte of its marker, which names the process.
        var process: UInt8
        /// Bits a sample.
        var precision: Int
        var height: Int
        var width: Int
        var components: Int
    }

    /// The first; nil where there is none.
    private(set) var frame: Frame?
    /// Whether the mark of the end (EOI) follows the data.
    private(set) var isWhole = false

    init(_ bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { bytes in
            // Behind the mark of the start.
            var place = 2
            while let (marker, next) = Self.marker(in: bytes, from: place) {
                place = next
                switch marker {
                case 0xd9:
                    isWhole = true
                    return
                // Without a length: a restart, another start, TEM.
                case 0xd0...0xd8, 0x01: continue
                default:
                    guard place + 2 <= bytes.count else { return }
                    if frame == nil, Self.isFrame(marker) { frame = Self.frame(marker, in: bytes, at: place + 2) }
                    place += max(2, Int(bytes[place]) << 8 | Int(bytes[place + 1]))
                }
            }
        }
    }

    /// The next marker and where its content begins. Entropy-coded data and stray bytes have none.
    private static func marker(
        in bytes: UnsafeBufferPointer<UInt8>, from start: Int
    ) -> (marker: UInt8, next: Int)? {
        var place = start
        while place + 1 < bytes.count {
            guard bytes[place] == 0xff else {
                place += 1
                continue
            }
            let code = bytes[place + 1]
            if code != 0, code != 0xff { return (code, place + 2) }
            place += code == 0 ? 2 : 1
        }
        return nil
    }

    private static func isFrame(_ marker: UInt8) -> Bool {
        (0xc0...0xcf).contains(marker) && marker != 0xc4 && marker != 0xc8 && marker != 0xcc
    }

    private static func frame(_ process: UInt8, in bytes: UnsafeBufferPointer<UInt8>, at place: Int) -> Frame? {
        guard place + 6 <= bytes.count else { return nil }
        func number(_ offset: Int) -> Int { Int(bytes[place + offset]) << 8 | Int(bytes[place + offset + 1]) }
        return Frame(
            process: process, precision: Int(bytes[place]), height: number(1), width: number(3),
            components: Int(bytes[place + 5]))
    }
}
