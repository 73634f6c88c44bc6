/// The rows of a CSV file (RFC 4180): fields apart by commas, quoted where they hold commas, quotes or line ends.
struct CSVRows {
    struct Row {
        /// From 1, where the row begins.
        var line: Int
        var fields: [String]
    }

    struct Problem: Error {
        var line: Int
        var text: String
    }

    private let bytes: [UInt8]
    private var place = 0
    private var line = 1

    /// All rows but empty lines. A byte order mark is passed over; lines end with LF, CR LF or CR. Spaces around a field
    /// that is not quoted are no part of it.
    static func read(_ bytes: [UInt8]) throws(Problem) -> [Row] {
        var reader = CSVRows(bytes)
        var rows: [Row] = []
        while let row = try reader.row() {
            if row.fields != [""] { rows.append(row) }
        }
        return rows
    }

    private init(_ bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { place = 3 }
    }

    private mutating func row() throws(Problem) -> Row? {
        guard place < bytes.count else { return nil }
        let start = line
        var fields: [String] = []
        while true {
            fields.append(try field())
            guard place < bytes.count else { break }
            if bytes[place] == Self.comma {
                place += 1
            } else {
                endLine()
                break
            }
        }
        return Row(line: start, fields: fields)
    }

    /// Up to the comma, the line's end or the file's.
    private mutating func field() throws(Problem) -> String {
        skipSpaces()
        if place < bytes.count, bytes[place] == Self.quote { return try quoted() }
        let start = place
        while place < bytes.count, !isEnd(bytes[place]) {
            guard bytes[place] != Self.quote else {
                throw Problem(line: line, text: "expected a quote only around a whole field, found one within")
            }
            place += 1
        }
        var end = place
        while end > start, Self.spaces.contains(bytes[end - 1]) { end -= 1 }
        return try text(bytes[start..<end], line)
    }

    /// Two quotes stand for one.
    private mutating func quoted() throws(Problem) -> String {
        let start = line
        var content: [UInt8] = []
        place += 1
        while true {
            guard place < bytes.count else {
                throw Problem(line: start, text: "expected a closing quote, found the end of the file")
            }
            let byte = bytes[place]
            if byte == Self.quote {
                guard place + 1 < bytes.count, bytes[place + 1] == Self.quote else { break }
                place += 1
            } else if isLineEnd(byte) {
                content += endLine()
                continue
            }
            content.append(byte)
            place += 1
        }
        place += 1
        skipSpaces()
        guard place == bytes.count || isEnd(bytes[place]) else {
            throw Problem(line: line, text: "expected a comma after the closing quote, found more text")
        }
        return try text(content[...], start)
    }

    private func text(_ bytes: ArraySlice<UInt8>, _ line: Int) throws(Problem) -> String {
        do throws(UTF8Text.Problem) { return try UTF8Text.decode(bytes) } catch {
            throw Problem(line: line, text: error.text)
        }
    }

    /// Passes over a line's end and returns it.
    @discardableResult
    private mutating func endLine() -> ArraySlice<UInt8> {
        let start = place
        place += bytes[place] == Self.carriageReturn && bytes.dropFirst(place + 1).first == Self.lineFeed ? 2 : 1
        line += 1
        return bytes[start..<place]
    }

    private mutating func skipSpaces() {
        while place < bytes.count, Self.spaces.contains(bytes[place]) { place += 1 }
    }

    private func isLineEnd(_ byte: UInt8) -> Bool { byte == Self.lineFeed || byte == Self.carriageReturn }
    private func isEnd(_ byte: UInt8) -> Bool { byte == Self.comma || isLineEnd(byte) }

    private static let comma = UInt8(ascii: ",")
    private static let quote = UInt8(ascii: "\"")
    private static let lineFeed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")
    private static let spaces: [UInt8] = [UInt8(ascii: " "), UInt8(ascii: "\t")]
}
