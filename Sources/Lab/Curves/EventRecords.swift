/// The records of an event file: TFRecord's framing, each the length, its checksum, the bytes, and theirs.
struct EventRecords {
    private(set) var bytes: [UInt8] = []

    mutating func add(_ record: [UInt8]) {
        let length = Self.littleEndian(UInt64(record.count))
        bytes += length
        bytes += Self.littleEndian(Self.masked(length))
        bytes += record
        bytes += Self.littleEndian(Self.masked(record))
    }

    private static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    /// A CRC32C that is stored beside the bytes that it is of, rotated and moved so that it is none of itself.
    private static func masked(_ bytes: [UInt8]) -> UInt32 {
        let crc = checksum(bytes)
        return (crc >> 15 | crc << 17) &+ 0xA282_EAD8
    }

    /// CRC32C (Castagnoli), reflected, as iSCSI has it (RFC 3720).
    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~UInt32(0)) { crc, byte in table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] ^ crc >> 8 }
    }

    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
    }
}
