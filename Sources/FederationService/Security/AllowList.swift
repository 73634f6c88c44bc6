import Federation
import PromptAggregation
import RunSettings
import Text
import ZeroMQTransport

/// Which keys may connect, and which clients each may speak for.
///
/// A line for each key: its name, the public key, then the clients, or `*` for all; a key without clients only listens.
/// Empty lines and lines that begin with `#` are left out.
package struct AllowList: Sendable {
    private enum Clients: Sendable {
        case all
        case listed(Set<ClientID>)

        func grantsAll(of other: Clients) -> Bool {
            switch (self, other) {
            case (.all, _): true
            case (.listed, .all): false
            case (.listed(let own), .listed(let others)): others.isSubset(of: own)
            }
        }
    }
    private var nameOfKey: [CurvePublicKey: String] = [:]
    private var clients: [String: Clients] = [:]

    /// - Parameter file: the text's name, for errors.
    /// - Throws: `ConfigurationError` naming the line.
    package init(text: String, file: String) throws {
        for (index, line) in lines(of: text).enumerated() {
            let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
            guard let name = words.first, !name.hasPrefix("#") else { continue }
            func problem(_ words: String) -> ConfigurationError { ConfigurationError("\(file):\(index + 1): \(words)") }
            guard words.count > 1, let key = CurvePublicKey(z85: words[1]) else {
                throw problem("expected a name, a public key of 40 characters and the clients that it may speak for")
            }
            guard clients[name] == nil else { throw problem("the name \(name) is given twice") }
            guard nameOfKey[key] == nil else { throw problem("the key of \(name) is given twice") }
            nameOfKey[key] = name
            clients[name] = words.dropFirst(2) == ["*"] ? .all : .listed(Set(words.dropFirst(2).map { ClientID($0) }))
        }
    }

    /// The name of a key that may connect, nil for any other.
    package func name(of key: CurvePublicKey) -> String? { nameOfKey[key] }

    /// The names of all keys that may connect, ascending.
    package var names: [String] { clients.keys.sorted() }

    package func contains(_ name: String) -> Bool { clients[name] != nil }

    /// Whether each key of another list may do at least as much by this one, under the same name.
    package func grantsAll(of other: AllowList) -> Bool {
        other.nameOfKey.allSatisfy { key, name in
            guard nameOfKey[key] == name, let own = clients[name], let theirs = other.clients[name] else {
                return false
            }
            return own.grantsAll(of: theirs)
        }
    }

    /// Whether the holder of the key of that name may speak for a client.
    package func permits(_ name: String, toSpeakFor client: ClientID) -> Bool {
        switch clients[name] {
        case .all: true
        case .listed(let clients): clients.contains(client)
        case nil: false
        }
    }
}
