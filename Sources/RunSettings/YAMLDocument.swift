import Foundation
import Yams

/// A YAML text of a person's: decoded from the Unicode encoding that an editor chose, and parsed with errors that name
/// file and line.
package enum YAMLDocument {
    /// The text of a file's bytes, without a byte order mark: UTF-8, UTF-16 or UTF-32.
    ///
    /// - Parameter name: the file's name, for errors.
    /// - Throws: `ConfigurationError` for bytes of another encoding, naming the first line that cannot be read.
    package static func text(_ bytes: Data, name: String) throws -> String {
        let (encoding, mark) = encoding(of: bytes)
        let content = bytes.dropFirst(mark)
        guard encoding == .utf8 else {
            guard let text = String(data: content, encoding: encoding) else {
                throw ConfigurationError("\(name): expected UTF-8, found damaged \(encoding)")
            }
            return text
        }
        if let text = String(validating: content, as: UTF8.self) { return text }
        let lines = content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let wrong = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
        throw ConfigurationError(
            "\(name):\(wrong + 1): expected UTF-8, found bytes of another encoding; save the file as UTF-8")
    }

    /// What a byte order mark says; without one, where the zeros of the first letter are (YAML 1.2, section 5.2).
    /// - Returns: the encoding and the length of the mark, in bytes.
    private static func encoding(of bytes: Data) -> (String.Encoding, Int) {
        let start = Array(bytes.prefix(4))
        if start.starts(with: [0xEF, 0xBB, 0xBF]) { return (.utf8, 3) }
        if start == [0xFF, 0xFE, 0, 0] { return (.utf32LittleEndian, 4) }
        if start == [0, 0, 0xFE, 0xFF] { return (.utf32BigEndian, 4) }
        if start.starts(with: [0xFF, 0xFE]) { return (.utf16LittleEndian, 2) }
        if start.starts(with: [0xFE, 0xFF]) { return (.utf16BigEndian, 2) }
        guard start.count == 4 else { return (.utf8, 0) }
        switch start.map({ $0 == 0 }) {
        case [false, true, true, true]: return (.utf32LittleEndian, 0)
        case [true, true, true, false]: return (.utf32BigEndian, 0)
        case [false, true, false, true]: return (.utf16LittleEndian, 0)
        case [true, false, true, false]: return (.utf16BigEndian, 0)
        default: return (.utf8, 0)
        }
    }

    /// Parses a text; nil for one without a document.
    ///
    /// - Parameter name: the file's name, for errors.
    /// - Throws: `ConfigurationError` with the line and what is wrong.
    package static func root(of text: String, name: String) throws -> Node? {
        do {
            return try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw self.error(error, in: text, name: name)
        }
    }

    private static func error(_ error: YamlError, in text: String, name: String) -> ConfigurationError {
        switch error {
        case .duplicatedKeysInMapping(let keys, let context):
            let again = lineOfRepetition(of: keys[0], in: text, from: context.mark.line)
            return ConfigurationError(
                "\(name):\(again): \(keys[0]) is set twice, first at \(name):\(context.mark.line)")
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return ConfigurationError("\(name):\(mark.line): not valid YAML: \(words(problem, in: text, mark.line))")
        case .reader(let problem, _, _, _): return ConfigurationError("\(name): not valid YAML: \(problem)")
        default: return ConfigurationError("\(name): not valid YAML: \(error)".replacing("\n", with: " "))
        }
    }

    /// The parser's words, in a person's where it has none for a usual fault.
    private static func words(_ problem: String, in text: String, _ line: Int) -> String {
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        let indent = lines.indices.contains(line - 1) ? lines[line - 1].prefix { $0 == " " || $0 == "\t" } : ""
        if indent.contains("\t") { return "expected spaces at the start of the line, found a tab" }
        if problem.contains("nesting level") { return "expected fewer brackets or sections within each other" }
        if problem.contains("another document") { return "expected one document, found a second one" }
        return problem
    }

    /// The line of a key's second occurrence. The parser says only where the first one is.
    ///
    /// The shortest beginning of the text that has the fault ends with the repetition, or with the bracket that closes
    /// its mapping.
    private static func lineOfRepetition(of key: String, in text: String, from first: Int) -> Int {
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        let end = (first...max(first, lines.count)).first { count in
            do {
                _ = try Yams.compose(yaml: lines.prefix(count).joined(separator: "\n"))
                return false
            } catch YamlError.duplicatedKeysInMapping {
                return true
            } catch {
                return false
            }
        }
        guard let end, end > first else { return first }
        return (first + 1...end).last { lines[$0 - 1].contains(key) } ?? end
    }
}
