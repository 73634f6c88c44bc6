import CPromptWire
import Federation
import PromptAggregation

/// Reads values out of protobuf-c's structures and refuses what is malformed.
///
/// Its extensions hold one function a message of Proto/impromptu.proto; `path` names the message for the errors.
struct MessageReader {
    let limits: WireLimits

    /// Unpacks `bytes` and hands the structure, valid until `read` returns, to `read`.
    func unpack<M, Value>(
        _ bytes: UnsafeRawBufferPointer, as name: String,
        _ unpack: (UnsafeMutablePointer<ProtobufCAllocator>?, Int, UnsafePointer<UInt8>?) -> UnsafeMutablePointer<M>?,
        _ read: (M) throws(WireError) -> Value
    ) throws(WireError) -> Value {
        guard bytes.count <= limits.messageBytes else {
            throw WireError(
                field: "message", problem: "expected at most \(limits.messageBytes) bytes, found \(bytes.count)")
        }
        var allowance = UnpackAllowance(messageBytes: bytes.count)
        let outcome = allowance.withAllocator { allocator -> Result<Value, WireError>? in
            let start = bytes.bindMemory(to: UInt8.self).baseAddress
            guard let message = unpack(allocator, bytes.count, start) else { return nil }
            defer {
                UnsafeMutableRawPointer(message).withMemoryRebound(to: ProtobufCMessage.self, capacity: 1) {
                    protobuf_c_message_free_unpacked($0, allocator)
                }
            }
            return Result { () throws(WireError) in try read(message.pointee) }
        }
        if let outcome { return try outcome.get() }
        throw WireError(
            field: "message",
            problem: allowance.exceeded
                ? "holds more fields than its \(bytes.count) bytes may be unpacked into"
                : "its \(bytes.count) bytes are no \(name) in protobuf's encoding")
    }

    func checkProtocol(_ found: UInt32) throws(WireError) {
        guard found == UInt32(protocolVersion) else {
            throw WireError(field: "protocol", problem: "expected \(protocolVersion), found \(found)")
        }
    }

    /// A submessage that has to be there.
    func present<M>(_ message: UnsafeMutablePointer<M>?, _ path: @autoclosure () -> String) throws(WireError) -> M {
        guard let message else { throw WireError(field: path(), problem: "is missing") }
        return message.pointee
    }

    // MARK: Numbers

    /// A count, at least `least` and at most the limit.
    func count(_ value: Int64, least: Int = 0, _ path: @autoclosure () -> String) throws(WireError) -> Int {
        guard let count = Int(exactly: value), (least...limits.count).contains(count) else {
            throw WireError(field: path(), problem: "expected \(least) to \(limits.count), found \(value)")
        }
        return count
    }

    /// A version, at least `least` (−1 where there may be none).
    func version(_ value: Int64, least: Int = 0, _ path: @autoclosure () -> String) throws(WireError) -> Int {
        try count(value, least: least, path())
    }

    /// A number that counts from 1.
    func ordinal(_ value: UInt64, _ path: @autoclosure () -> String) throws(WireError) -> UInt64 {
        guard value > 0 else { throw WireError(field: path(), problem: "expected at least 1, found 0") }
        return value
    }

    func finite(_ value: Double, _ path: @autoclosure () -> String) throws(WireError) -> Double {
        guard value.isFinite else {
            throw WireError(field: path(), problem: "expected a finite number, found \(value)")
        }
        return value
    }

    /// The case that an enumeration's number stands for.
    func enumeration<E: WireEnumeration>(_ wire: E.Wire, _ path: @autoclosure () -> String) throws(WireError) -> E {
        guard let value = E(wire) else {
            let known = E.allCases.map { String($0.wire.rawValue) }.joined(separator: ", ")
            // Protobuf's enumerations are signed, so that −1 is shown as such.
            throw WireError(
                field: path(), problem: "expected one of \(known), found \(Int32(bitPattern: wire.rawValue))")
        }
        return value
    }

    // MARK: Repeated fields

    /// The elements of a repeated scalar field, at most `most` of them.
    func array<E>(
        _ start: UnsafeMutablePointer<E>?, _ count: Int, most: Int, _ path: @autoclosure () -> String
    ) throws(WireError) -> [E] {
        guard count <= most else {
            throw WireError(field: path(), problem: "expected at most \(most), found \(count)")
        }
        return Array(UnsafeBufferPointer(start: start, count: count))
    }

    /// The messages of a repeated field, at most `most` of them.
    func messages<M>(
        _ start: UnsafeMutablePointer<UnsafeMutablePointer<M>?>?, _ count: Int, most: Int,
        _ path: @autoclosure () -> String
    ) throws(WireError) -> [M] {
        try array(start, count, most: most, path()).compactMap { $0?.pointee }
    }
}
