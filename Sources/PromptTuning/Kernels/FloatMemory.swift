#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A block of float32 memory on a 64-byte boundary, zero at first, for the kernels.
///
/// It does not synchronise: whoever shares one writes it from one thread at a time, or different parts of it.
final class FloatMemory: @unchecked Sendable {
    let start: UnsafeMutablePointer<Float>
    let count: Int

    init(count: Int) {
        // Blocks of some size start on a large page's boundary, so that the system can back them with large pages.
        let bytes = max(count, 1) * MemoryLayout<Float>.stride
        let alignment = bytes >= 1 << 22 ? 1 << 21 : 64
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: alignment)
        #if os(Linux)
            if alignment > 64 { madvise(memory, bytes, MADV_HUGEPAGE) }
        #endif
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        start = memory.bindMemory(to: Float.self, capacity: max(count, 1))
        self.count = count
    }

    convenience init(_ values: [Float], paddedTo count: Int) {
        self.init(count: count)
        start.update(from: values, count: values.count)
    }

    convenience init(copying values: UnsafePointer<Float>, count: Int) {
        self.init(count: count)
        start.update(from: values, count: count)
    }

    deinit { UnsafeMutableRawPointer(start).deallocate() }
}

/// `count` rounded up to the kernels' granularity.
func padded(_ count: Int) -> Int { (count + 15) / 16 * 16 }
