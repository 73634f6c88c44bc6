import Foundation

/// The pieces of a vocabulary by their bytes: as texts, pieces that Unicode counts as equivalent would be one.
struct PieceNumbers {
    private(set) var numbers: [[UInt8]: Int32] = [:]

    subscript(_ piece: String) -> Int32? { numbers[Array(piece.utf8)] }

    /// From the lines of `vocab.txt`, numbered from 0; of a piece that stands there twice the last number counts.
    init(lines bytes: Data) {
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        for (number, line) in lines.enumerated() {
            let piece = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            numbers[Array(piece)] = Int32(number)
        }
    }

    /// From the object `model.vocab` of a `tokenizer.json` that is known to be JSON.
    init(json bytes: Data) throws {
        let bytes = [UInt8](bytes)
        var scanner = JSONScanner(bytes: bytes[...])
        guard scanner.enter("model"), scanner.enter("vocab") else { return }
        while let key = scanner.key() {
            let value = scanner.value()
            guard let number = Int32(String(decoding: value, as: UTF8.self)) else { continue }
            numbers[try Self.unescaped(key)] = number
        }
    }

    /// - Parameter text: between its quotes.
    private static func unescaped(_ text: ArraySlice<UInt8>) throws -> [UInt8] {
        guard text.contains(UInt8(ascii: "\\")) else { return Array(text) }
        let quoted = Data([UInt8(ascii: "["), UInt8(ascii: "\"")] + text + [UInt8(ascii: "\""), UInt8(ascii: "]")])
        return Array(try JSONDecoder().decode([String].self, from: quoted)[0].utf8)
    }
}

/// Walks over the objects of JSON that is known to be right.
private struct JSONScanner {
    private var rest: ArraySlice<UInt8>

    init(bytes: ArraySlice<UInt8>) { rest = bytes }

    /// Goes into the object that a key of this one has as value; false where there is none.
    mutating func enter(_ name: String) -> Bool {
        while let key = key() {
            if key.elementsEqual(name.utf8) { return true }
            _ = value()
        }
        return false
    }

    /// The next key of the object, between its quotes; nil at the object's end.
    mutating func key() -> ArraySlice<UInt8>? {
        while let byte = rest.first, byte != UInt8(ascii: "\"") {
            rest.removeFirst()
            if byte == UInt8(ascii: "}") { return nil }
        }
        guard !rest.isEmpty else { return nil }
        let text = string()
        while let byte = rest.popFirst(), byte != UInt8(ascii: ":") {}
        return text
    }

    /// Passes over a value and returns it without the blanks around it.
    mutating func value() -> ArraySlice<UInt8> {
        while let byte = rest.first, byte <= 0x20 { rest.removeFirst() }
        let start = rest
        var depth = 0
        while let byte = rest.first {
            switch byte {
            case UInt8(ascii: "\""): _ = string()
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                rest.removeFirst()
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return trimmed(start) }
                depth -= 1
                rest.removeFirst()
            case UInt8(ascii: ","):
                if depth == 0 { return trimmed(start) }
                rest.removeFirst()
            default: rest.removeFirst()
            }
        }
        return trimmed(start)
    }

    private func trimmed(_ start: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var value = start[start.startIndex..<rest.startIndex]
        while let byte = value.last, byte <= 0x20 { value.removeLast() }
        return value
    }

    /// Passes over a text and returns what is between its quotes.
    private mutating func string() -> ArraySlice<UInt8> {
        rest.removeFirst()
        let start = rest
        while let byte = rest.first, byte != UInt8(ascii: "\"") {
            rest.removeFirst(byte == UInt8(ascii: "\\") && rest.count > 1 ? 2 : 1)
        }
        let text = start[start.startIndex..<rest.startIndex]
        _ = rest.popFirst()
        return text
    }
}
