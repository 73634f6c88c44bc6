import CZstd

/// Zstandard frames (RFC 8878), by libzstd.
enum Zstandard {
    /// zstd's own default: updates hold mostly the noise of their values, so more effort gains next to nothing.
    private static let level: Int32 = 3

    /// - Returns: exactly `size` bytes, which the caller deallocates; nil where the frame gives another number or is damaged.
    static func unpack(_ frame: UnsafeRawBufferPointer, size: Int) -> UnsafeMutableRawBufferPointer? {
        // What a frame says of itself is checked before any memory is taken for it.
        guard ZSTD_getFrameContentSize(frame.baseAddress, frame.count) == UInt64(size) else { return nil }
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
        guard ZSTD_decompress(memory.baseAddress, size, frame.baseAddress, frame.count) == size else {
            memory.deallocate()
            return nil
        }
        return memory
    }

    /// A frame of some bytes; nil where libzstd has no memory for its work.
    static func pack(_ bytes: UnsafeRawBufferPointer) -> [UInt8]? {
        var isPacked = true
        let frame = [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(bytes.count)) { frame, size in
            let written = ZSTD_compress(frame.baseAddress, frame.count, bytes.baseAddress, bytes.count, level)
            isPacked = ZSTD_isError(written) == 0
            size = isPacked ? written : 0
        }
        return isPacked ? frame : nil
    }
}
