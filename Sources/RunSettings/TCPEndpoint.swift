/// An endpoint `tcp://host:port`; either part may be a wildcard, `*`.
package struct TCPEndpoint: Equatable, CustomStringConvertible {
    package var host: String
    package var port: String

    /// nil for what is not of that form.
    package init?(_ text: String) {
        let scheme = "tcp://"
        let place = text.dropFirst(scheme.count)
        guard text.hasPrefix(scheme), let colon = place.lastIndex(of: ":") else { return nil }
        host = String(place[..<colon])
        port = String(place[place.index(after: colon)...])
        guard !host.isEmpty, port == "*" || UInt16(port) != nil else { return nil }
    }

    package var description: String { "tcp://\(host):\(port)" }

    /// Whether it stands for every address of the machine, which nobody can connect to as it is written.
    package var isEveryAddress: Bool { ["*", "0.0.0.0"].contains(host) }

    package var staysOnThisMachine: Bool {
        let numbers = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return ["localhost", "lo", "[::1]"].contains(host)
            || numbers.count == 4 && numbers[0] == 127 && numbers.allSatisfy { $0 != nil }
    }
}

extension RunConfiguration.Endpoints {
    /// What to bind so that those find it again who know an earlier one: its ports, where any would do.
    package func keepingPorts(of earlier: Self) -> Self {
        func keep(_ wanted: String, _ earlier: String) -> String {
            guard var endpoint = TCPEndpoint(wanted), endpoint.port == "*", let known = TCPEndpoint(earlier) else {
                return wanted
            }
            endpoint.port = known.port
            return endpoint.description
        }
        return .init(updates: keep(updates, earlier.updates), prompts: keep(prompts, earlier.prompts))
    }
}
