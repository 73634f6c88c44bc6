import Foundation

/// The element types of the format.
public enum ElementType: String, Hashable, Sendable, CaseIterable {
    case bool = "BOOL"
    case u8 = "U8"
    case i8 = "I8"
    case f8e4m3 = "F8_E4M3"
    case f8e5m2 = "F8_E5M2"
    case i16 = "I16"
    case u16 = "U16"
    case f16 = "F16"
    case bf16 = "BF16"
    case i32 = "I32"
    case u32 = "U32"
    case f32 = "F32"
    case f64 = "F64"
    case i64 = "I64"
    case u64 = "U64"

    /// Bytes of one element.
    public var size: Int {
        switch self {
        case .bool, .u8, .i8, .f8e4m3, .f8e5m2: 1
        case .i16, .u16, .f16, .bf16: 2
        case .i32, .u32, .f32: 4
        case .f64, .i64, .u64: 8
        }
    }

    /// The bytes that a tensor of that shape takes; nil when the shape has a negative extent or the product overflows.
    func byteCount(of shape: [Int]) -> Int? {
        var count = size
        for extent in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            guard extent >= 0, !overflow else { return nil }
            count = product
        }
        return count
    }
}

/// A tensor in a mapped file. Its bytes stay valid as long as the value lives.
public struct SafetensorsTensor: Sendable {
    /// The file that holds it, for messages.
    public let path: String
    public let name: String
    public let type: ElementType
    public let shape: [Int]
    let mapping: FileMapping
    let place: Range<Int>

    public var elementCount: Int { place.count / type.size }

    /// Calls `body` with the elements as they lie in the file: little-endian, row-major, at any alignment.
    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(mapping) { try body(UnsafeRawBufferPointer(rebasing: mapping.bytes[place])) }
    }

    /// The elements as they lie in the file, not copied; the file stays mapped as long as the value lives.
    public var data: Data {
        let mapping = mapping
        let bytes = UnsafeMutableRawPointer(mutating: mapping.bytes.baseAddress! + place.lowerBound)
        return Data(bytesNoCopy: bytes, count: place.count, deallocator: .custom { _, _ in _ = mapping })
    }

    /// Whether all bytes are zero; reads no further than to the first that is not.
    public var isZero: Bool { withUnsafeBytes { $0.allSatisfy { $0 == 0 } } }

    /// The elements as float32; F64 and I32 are rounded.
    ///
    /// - Throws: `SafetensorsError.elementType` when the elements are none of F16, BF16, F32, F64 and I32.
    public func floats() throws(SafetensorsError) -> [Float] {
        switch type {
        case .f16: elements { (bits: UInt16) in widenHalf(bits) }
        case .bf16: elements { (bits: UInt16) in Float(bitPattern: UInt32(bits) << 16) }
        case .f32: elements { (bits: UInt32) in Float(bitPattern: bits) }
        case .f64: elements { (bits: UInt64) in Float(Double(bitPattern: bits)) }
        case .i32: elements { (bits: UInt32) in Float(Int32(bitPattern: bits)) }
        default: throw .elementType(path: path, tensor: name, expected: "F16, BF16, F32, F64 or I32", found: type)
        }
    }

    /// The elements as float32, all of them finite: what weights must be.
    ///
    /// - Throws: `SafetensorsError.elementType` as `floats` does, or `.notFinite`.
    public func finiteFloats() throws(SafetensorsError) -> [Float] {
        let values = try floats()
        // An exponent of all ones is infinity or NaN. Counted without a branch, so that the loop runs as vectors.
        let count = values.withUnsafeBufferPointer { values in
            values.reduce(into: 0) { $0 &+= $1.bitPattern & 0x7f80_0000 == 0x7f80_0000 ? 1 : 0 }
        }
        guard count > 0, let place = values.firstIndex(where: { !$0.isFinite }) else { return values }
        throw .notFinite(
            path: path, tensor: name, count: count, of: values.count, first: "\(values[place])", index: index(of: place)
        )
    }

    /// The index in each extent of the element at an index in row-major order.
    private func index(of place: Int) -> [Int] {
        var rest = place
        var index: [Int] = []
        for extent in shape.reversed() {
            index.append(rest % extent)
            rest /= extent
        }
        return index.reversed()
    }

    /// The elements as float64, exactly.
    ///
    /// - Throws: `SafetensorsError.elementType` when the elements are none of F16, BF16, F32, F64 and I32.
    public func doubles() throws(SafetensorsError) -> [Double] {
        switch type {
        case .f64: elements { (bits: UInt64) in Double(bitPattern: bits) }
        case .i32: elements { (bits: UInt32) in Double(Int32(bitPattern: bits)) }
        default: try floats().map(Double.init)
        }
    }

    /// The elements of an integer tensor.
    ///
    /// - Throws: `SafetensorsError.elementType` when the elements are none of U8, I32 and I64.
    public func integers() throws(SafetensorsError) -> [Int] {
        switch type {
        case .u8: elements { (bits: UInt8) in Int(bits) }
        case .i32: elements { (bits: UInt32) in Int(Int32(bitPattern: bits)) }
        case .i64: elements { (bits: UInt64) in Int(Int64(bitPattern: bits)) }
        default: throw .elementType(path: path, tensor: name, expected: "U8, I32 or I64", found: type)
        }
    }

    private func elements<Bits: FixedWidthInteger, Element>(_ convert: (Bits) -> Element) -> [Element] {
        withUnsafeBytes { bytes in
            [Element](unsafeUninitializedCapacity: elementCount) { buffer, count in
                for index in 0..<elementCount {
                    let bits = bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Bits>.size, as: Bits.self)
                    buffer.initializeElement(at: index, to: convert(Bits(littleEndian: bits)))
                }
                count = elementCount
            }
        }
    }
}

/// The value of an IEEE half. Moves exponent and fraction to float32's bits and corrects the exponent's bias by a
/// multiplication, which normalises subnormals too; an exponent of all ones (infinity, NaN) is set by hand.
@inline(__always)
private func widenHalf(_ half: UInt16) -> Float {
    let magnitude = UInt32(half & 0x7fff) << 13
    let scaled = (Float(bitPattern: magnitude) * 0x1p112).bitPattern
    let special = half & 0x7c00 == 0x7c00
    return Float(bitPattern: (special ? magnitude | 0x7f80_0000 : scaled) | UInt32(half & 0x8000) << 16)
}
