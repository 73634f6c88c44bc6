import Foundation

/// A table that grows row by row.
package struct CSVFile: Sendable {
    private let file: FileHandle

    /// Replaces the file by these rows.
    package init(path: String, header: String, rows: [String]) throws {
        let text = ([header] + rows).joined(separator: "\n") + "\n"
        guard FileManager.default.createFile(atPath: path, contents: Data(text.utf8)),
            let file = FileHandle(forWritingAtPath: path)
        else { throw RunFolderError("\(path): cannot write") }
        self.file = file
        file.seekToEndOfFile()
    }

    /// Keeps the beginning of a file and replaces the rest. It is read from its end, so its length does not matter.
    /// - Parameter isKept: whether a row stays, with all rows before it; the header does in any case.
    package init(continuing path: String, upTo isKept: (Substring) -> Bool, rows: [String]) throws {
        guard let file = FileHandle(forUpdatingAtPath: path),
            let content = try? Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
        else { throw RunFolderError("\(path): cannot write") }
        let newline = UInt8(ascii: "\n")
        let headerEnd = (content.firstIndex(of: newline) ?? content.endIndex - 1) + 1
        // What was cut short is no row.
        var end = (content.lastIndex(of: newline) ?? content.startIndex - 1) + 1
        while end > headerEnd {
            let start = (content[..<(end - 1)].lastIndex(of: newline) ?? content.startIndex - 1) + 1
            if isKept(Substring(decoding: content[start..<(end - 1)], as: UTF8.self)) { break }
            end = start
        }
        self.file = file
        try file.truncate(atOffset: UInt64(max(end, headerEnd)))
        try file.write(contentsOf: Data(rows.map { $0 + "\n" }.joined().utf8))
    }

    package func append(_ row: String) throws { try file.write(contentsOf: Data((row + "\n").utf8)) }
}
