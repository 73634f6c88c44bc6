import Foundation

/// The head of an HTTP request (RFC 9112), read as strictly as serving GET and HEAD needs: what could be understood in two
/// ways is refused.
package struct RequestHead: Equatable {
    package var method: String
    /// Without the query.
    package var path: String
    /// The host of an absolute target, as proxies send it, else the Host field; in lower case. nil where HTTP/1.0 has
    /// neither, as some probes send it.
    package var host: String?

    /// Bytes, with the empty line at its end.
    package static let longest = 8192
    static let end: [UInt8] = Array("\r\n\r\n".utf8)

    /// - Parameter text: everything before the empty line.
    /// - Throws: the refusal that answers it.
    package init(_ text: some StringProtocol) throws(Refusal) {
        // A line end is one Character in Swift, so what is left of either kind after the split is a stray one.
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
        guard lines.allSatisfy({ line in line.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 } }) else {
            throw Refusal(.badRequest, "expected lines that end in CR LF, found another control character")
        }
        let words = lines[0].split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words.allSatisfy({ !$0.isEmpty }) else {
            throw Refusal(.badRequest, "expected a method, a path and a version, found \(words.count) words")
        }
        guard words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0" else {
            throw Refusal(.versionNotSupported, "use HTTP/1.1")
        }
        method = String(words[0])
        let target = try Self.target(words[1])
        path = String(target.path.prefix { $0 != "?" })
        var hosts: [String] = []
        for line in lines[1...] { if let host = try Self.host(in: line) { hosts.append(host) } }
        guard hosts.count == 1 || hosts.isEmpty && words[2] == "HTTP/1.0" else {
            throw Refusal(.badRequest, "expected one Host field, found \(hosts.count)")
        }
        // An absolute target replaces the Host field (RFC 9112, section 3.2.2).
        host = target.host ?? hosts.first
    }

    /// A path, perhaps with a query, behind `http://` and a host or alone.
    private static func target(
        _ text: some StringProtocol
    ) throws(Refusal) -> (host: String?, path: String) {
        if text.hasPrefix("/") { return (nil, String(text)) }
        let scheme = "http://"
        guard text.lowercased().hasPrefix(scheme) else {
            throw Refusal(.badRequest, "expected a path that begins with /, or http:// and a host before it")
        }
        let rest = text.dropFirst(scheme.count)
        let host = rest.prefix { $0 != "/" && $0 != "?" }
        guard !host.isEmpty, !host.contains("@"), !host.contains("#") else {
            throw Refusal(.badRequest, "expected a host after http://, without a user and a fragment")
        }
        let path = rest.dropFirst(host.count)
        return (host.lowercased(), path.hasPrefix("/") ? String(path) : "/" + path)
    }

    /// The value of a Host field, nil for another field.
    private static func host(in line: some StringProtocol) throws(Refusal) -> String? {
        guard let colon = line.firstIndex(of: ":"), colon != line.startIndex,
            line[..<colon].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
        else { throw Refusal(.badRequest, "expected a field's name, a colon and its value") }
        guard line[..<colon].lowercased() == "host" else { return nil }
        return line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces).lowercased()
    }
}

/// Why a request is not served.
package struct Refusal: Error, Equatable {
    package var status: Response.Status
    package var reason: String

    init(_ status: Response.Status, _ reason: String) {
        self.status = status
        self.reason = reason
    }
}
