/// Text in a file of a user's, which must be UTF-8 without NUL.
enum UTF8Text {
    struct Problem: Error {
        /// What was expected and found.
        var text: String
    }

    /// - Throws: `Problem`, which says what else the bytes are.
    static func decode(_ bytes: ArraySlice<UInt8>) throws(Problem) -> String {
        guard !bytes.contains(0) else {
            throw Problem(text: "expected text in UTF-8, found NUL, as in UTF-16 or in a file that is no text")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Problem(text: "expected text in UTF-8, found bytes of another encoding (Latin-1?)\(example(bytes))")
        }
        return text
    }

    /// The first characters before what is wrong, so that a person finds it in a long line.
    private static func example(_ bytes: ArraySlice<UInt8>) -> String {
        var valid = bytes.startIndex
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        while case .scalarValue(let scalar) = decoder.decode(&iterator) { valid += UTF8.width(scalar) }
        let before = String(decoding: bytes[..<valid], as: UTF8.self).suffix(20)
        return before.isEmpty ? "" : " after '\(before)'"
    }
}
