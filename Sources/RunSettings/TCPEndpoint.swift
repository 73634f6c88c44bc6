import Foundation

/// An endpoint `tcp://host:port`: the host a name, an IPv4 address, an IPv6 address in brackets or an interface. Either
/// part may be a wildcard, `*`.
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
        // An IPv6 address without brackets would leave open where the port begins.
        guard host.hasPrefix("[") ? ipv6 != nil : !host.contains(where: { ":[]".contains($0) }) else { return nil }
    }

    /// The 16 bytes of an IPv6 address in brackets, without its scope; nil for another host.
    private var ipv6: [UInt8]? {
        guard host.hasPrefix("["), host.hasSuffix("]") else { return nil }
        let text = host.dropFirst().dropLast().prefix { $0 != "%" }
        var address = in6_addr()
        guard inet_pton(AF_INET6, String(text), &address) == 1 else { return nil }
        return withUnsafeBytes(of: &address) { Array($0) }
    }

    package var description: String { "tcp://\(host):\(port)" }

    /// Whether it stands for every address of the machine, which nobody can connect to as it is written.
    package var isEveryAddress: Bool {
        if let ipv6 { return ipv6.allSatisfy { $0 == 0 } }
        return ["*", "0.0.0.0"].contains(host)
    }

    package var staysOnThisMachine: Bool {
        if let ipv6 {
            let loopback: [UInt8] = Array(repeating: 0, count: 15) + [1]
            let mapped: [UInt8] = Array(repeating: 0, count: 10) + [255, 255, 127]
            return ipv6 == loopback || ipv6.starts(with: mapped)
        }
        let numbers = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return ["localhost", "lo"].contains(host)
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
