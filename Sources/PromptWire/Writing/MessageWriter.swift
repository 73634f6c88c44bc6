import CPromptWire

/// Builds protobuf-c's structures from values; it owns their memory until they are packed.
///
/// Its extensions hold one function a message of Proto/impromptu.proto.
final class MessageWriter {
    private var blocks: [UnsafeMutableRawPointer] = []

    private init() {}

    deinit {
        for block in blocks { block.deallocate() }
    }

    /// The bytes of the message that `build` makes.
    static func pack<M>(_ build: (MessageWriter) -> UnsafeMutablePointer<M>) -> [UInt8] {
        let writer = MessageWriter()
        return withExtendedLifetime(writer) {
            let message = UnsafeRawPointer(build(writer)).assumingMemoryBound(to: ProtobufCMessage.self)
            let size = protobuf_c_message_get_packed_size(message)
            return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                count = size == 0 ? 0 : protobuf_c_message_pack(message, buffer.baseAddress)
            }
        }
    }

    /// A message with its defaults set by `initialize` and its fields by `fill`.
    func message<M>(
        _ initialize: (UnsafeMutablePointer<M>?) -> Void, _ fill: (inout M) -> Void
    ) -> UnsafeMutablePointer<M> {
        let place = allocate(M.self, count: 1)
        initialize(place)
        fill(&place.pointee)
        return place
    }

    func array<E: BitwiseCopyable>(_ elements: [E]) -> UnsafeMutablePointer<E> {
        let place = allocate(E.self, count: elements.count)
        elements.withUnsafeBufferPointer { source in
            if let start = source.baseAddress { place.initialize(from: start, count: source.count) }
        }
        return place
    }

    /// Pointers to the messages that `make` gives for the elements.
    func messages<E, M>(
        _ elements: [E], _ make: (E) -> UnsafeMutablePointer<M>
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<M>?> {
        let place = allocate(UnsafeMutablePointer<M>?.self, count: elements.count)
        for (index, element) in elements.enumerated() { (place + index).initialize(to: make(element)) }
        return place
    }

    func bytes(_ bytes: [UInt8]) -> ProtobufCBinaryData {
        ProtobufCBinaryData(len: bytes.count, data: array(bytes))
    }

    func text(_ text: String) -> ProtobufCBinaryData { bytes(Array(text.utf8)) }

    /// The bytes of words that are in little-endian order.
    func littleEndian<Word: FixedWidthInteger & BitwiseCopyable>(_ words: [Word]) -> ProtobufCBinaryData {
        let byteCount = words.count * MemoryLayout<Word>.size
        return ProtobufCBinaryData(
            len: byteCount,
            data: UnsafeMutableRawPointer(array(words)).bindMemory(to: UInt8.self, capacity: byteCount))
    }

    private func allocate<T>(_: T.Type, count: Int) -> UnsafeMutablePointer<T> {
        let block = UnsafeMutableRawPointer.allocate(
            byteCount: max(1, count * MemoryLayout<T>.stride), alignment: MemoryLayout<T>.alignment)
        blocks.append(block)
        return block.bindMemory(to: T.self, capacity: count)
    }
}
