import PromptAggregation
import RunSettings
import Text
import ZeroMQTransport

/// The text of the list of who may connect, with its comments, for those who edit it.
///
/// A key that is revoked stays as a comment, so that nobody lists it again by mistake.
struct AllowedLines {
    private var lines: [String]
    private static let revoked = "# revoked"

    struct Entry: Equatable {
        var key: String
        var clients: [String]
    }

    /// - Parameter file: the text's name, for errors.
    /// - Throws: `ConfigurationError` for a list that the aggregator would refuse.
    init(text: String, file: String) throws {
        _ = try AllowList(text: text, file: file)
        lines = Text.lines(of: text).map(String.init)
        if lines.last == "" { lines.removeLast() }
    }

    var text: String { lines.map { $0 + "\n" }.joined() }

    private static func words(of line: some StringProtocol) -> [String] {
        line.split(whereSeparator: \.isWhitespace).map { String($0) }
    }

    private func place(of name: String) -> Int? { lines.firstIndex { Self.words(of: $0).first == name } }

    /// The names that are listed, in their order.
    var names: [String] { lines.compactMap { Self.words(of: $0).first }.filter { !$0.hasPrefix("#") } }

    func entry(of name: String) -> Entry? {
        place(of: name).map { place in
            let words = Self.words(of: lines[place])
            return Entry(key: words[1], clients: Array(words.dropFirst(2)))
        }
    }

    private var revokedEntries: [[String]] {
        lines.filter { $0.hasPrefix(Self.revoked + " ") }.map { Self.words(of: $0.dropFirst(Self.revoked.count)) }
    }

    func isRevoked(_ key: CurvePublicKey) -> Bool { revokedEntries.contains { $0.dropFirst().first == key.z85 } }

    /// Whether a key of that name was revoked and none is listed.
    func isRevoked(name: String) -> Bool { place(of: name) == nil && revokedEntries.contains { $0.first == name } }

    mutating func append(name: String, key: CurvePublicKey, clients: [String]) {
        lines.append(([name, key.z85] + clients).joined(separator: " "))
    }

    /// Gives a name that is listed another key.
    mutating func replaceKey(of name: String, by key: CurvePublicKey) {
        guard let place = place(of: name), let entry = entry(of: name) else { return }
        lines[place] = ([name, key.z85] + entry.clients).joined(separator: " ")
    }

    mutating func revoke(_ name: String) {
        guard let place = place(of: name) else { return }
        lines[place] = "\(Self.revoked) \(lines[place])"
    }
}
