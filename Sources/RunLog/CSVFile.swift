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

    package func append(_ row: String) throws { try file.write(contentsOf: Data((row + "\n").utf8)) }
}
