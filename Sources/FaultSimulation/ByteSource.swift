/// Takes bytes that are a script apart from the front; behind their end there is nothing.
package struct ByteSource {
    private var rest: ArraySlice<UInt8>

    package init(_ bytes: UnsafeRawBufferPointer) { rest = Array(bytes)[...] }

    package var isEmpty: Bool { rest.isEmpty }
    package mutating func next() -> UInt8? { rest.popFirst() }
    package mutating func byte() -> UInt8 { next() ?? 0 }

    /// Little-endian, of so many bytes.
    package mutating func integer(_ size: Int) -> UInt64 {
        (0..<size).reduce(0) { $0 | UInt64(byte()) << (8 * UInt64($1)) }
    }

    /// At most so many.
    package mutating func bytes(_ count: Int) -> [UInt8] {
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    package mutating func remainder() -> [UInt8] { bytes(rest.count) }
}
