import CPromptWire
import Federation
import PromptAggregation

extension MessageReader {
    /// UTF-8 text of at most `most` bytes without NUL.
    func text(
        _ data: ProtobufCBinaryData, most: Int, _ path: @autoclosure () -> String
    ) throws(WireError) -> String {
        let bytes = UnsafeRawBufferPointer(start: data.data, count: data.len)
        guard bytes.count <= most else {
            throw WireError(field: path(), problem: "expected at most \(most) bytes, found \(bytes.count)")
        }
        if let place = bytes.firstIndex(of: 0) {
            throw WireError(field: path(), problem: "expected text without NUL, found one at byte \(place)")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw WireError(field: path(), problem: "expected UTF-8, found \(shown(Array(bytes)))")
        }
        return text
    }

    /// The name of a tensor or a metric: 1 to `nameBytes` bytes of text without control characters.
    func name(_ data: ProtobufCBinaryData, _ path: @autoclosure () -> String) throws(WireError) -> String {
        let name = try text(data, most: limits.nameBytes, path())
        guard !name.isEmpty else { throw WireError(field: path(), problem: "expected a name, found none") }
        if let place = name.utf8.firstIndex(where: { $0 < 0x20 || $0 == 0x7f }) {
            let offset = name.utf8.distance(from: name.startIndex, to: place)
            throw WireError(field: path(), problem: "expected no control characters, found one at byte \(offset)")
        }
        return name
    }

    func clientID(_ data: ProtobufCBinaryData, _ path: @autoclosure () -> String) throws(WireError) -> ClientID {
        try clientID(UnsafeRawBufferPointer(start: data.data, count: data.len), path())
    }

    /// The name of a client: 1 to `nameBytes` of A–Z, a–z, 0–9, `.`, `_` and `-`.
    func clientID(_ bytes: UnsafeRawBufferPointer, _ path: @autoclosure () -> String) throws(WireError) -> ClientID {
        let expected = "expected 1 to \(limits.nameBytes) characters of A-Z a-z 0-9 . _ -"
        guard (1...limits.nameBytes).contains(bytes.count) else {
            throw WireError(field: path(), problem: "\(expected), found \(bytes.count)")
        }
        if let place = bytes.firstIndex(where: { !ClientID.mayHold($0) }) {
            throw WireError(
                field: path(), problem: "\(expected), found \(shown([bytes[place]])) at byte \(place)")
        }
        return ClientID(String(decoding: bytes, as: UTF8.self))
    }
}
