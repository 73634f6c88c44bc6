import CPromptWire

/// The memory that protobuf-c may take for one message, so that a small message cannot ask for a lot.
///
/// A field of two bytes becomes a structure of a hundred, so that the size of a message alone bounds nothing.
struct UnpackAllowance {
    /// Bytes that may still be taken.
    private var left: Int
    /// Whether more was asked for.
    private(set) var exceeded = false

    /// - Parameter messageBytes: the size of the message. What it holds is copied once; the rest is for structures.
    init(messageBytes: Int) { left = 2 * messageBytes + (4 << 20) }

    /// Calls `body` with an allocator that takes from this allowance.
    mutating func withAllocator<R>(_ body: (UnsafeMutablePointer<ProtobufCAllocator>) -> R) -> R {
        withUnsafeMutablePointer(to: &self) { allowance in
            var allocator = ProtobufCAllocator(
                alloc: { allowance, size in
                    allowance?.assumingMemoryBound(to: UnpackAllowance.self).pointee.take(size)
                },
                free: { _, block in block?.deallocate() },
                allocator_data: allowance)
            return body(&allocator)
        }
    }

    private mutating func take(_ size: Int) -> UnsafeMutableRawPointer? {
        guard size <= left else {
            exceeded = true
            return nil
        }
        left -= size
        return .allocate(byteCount: max(1, size), alignment: 16)
    }
}
