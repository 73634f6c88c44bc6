import Foundation

/// Which names a request may call this server by. A page of a stranger's can have its own name resolved to this machine and
/// then read what is served here (DNS rebinding), but its requests still carry that name; so only names that no stranger
/// can hold are answered: addresses, `localhost`, the machine's own name, and those that the operator names.
package struct HostCheck {
    private let names: Set<String>

    /// - Parameter named: further names, such as a proxy's.
    package init(machine: String = HostCheck.machineName, names named: [String] = []) {
        let name = machine.lowercased()
        names = Set(["localhost", name, String(name.prefix { $0 != "." })] + named.map { $0.lowercased() })
            .subtracting([""])
    }

    /// What the machine calls itself, without asking the network.
    package static var machineName: String {
        var bytes = [UInt8](repeating: 0, count: 256)
        let failed = bytes.withUnsafeMutableBytes {
            gethostname($0.bindMemory(to: CChar.self).baseAddress!, $0.count - 1) != 0
        }
        return failed ? "" : String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// - Parameter host: a Host field in lower case, with or without a port.
    package func admits(_ host: String) -> Bool {
        if host.hasPrefix("[") {
            guard let close = host.firstIndex(of: "]") else { return false }
            let address = host[host.index(after: host.startIndex)..<close]
            return Self.isPort(host[host.index(after: close)...]) && Self.isAddress(String(address), AF_INET6)
        }
        let name = host.prefix { $0 != ":" }
        guard Self.isPort(host.dropFirst(name.count)) else { return false }
        // A full name may end with the root's dot.
        return names.contains(String(name.hasSuffix(".") ? name.dropLast() : name))
            || Self.isAddress(String(name), AF_INET)
    }

    /// Whether that is nothing, or a colon and digits.
    private static func isPort(_ text: Substring) -> Bool {
        text.isEmpty || text.first == ":" && text.count > 1 && UInt16(text.dropFirst()) != nil
    }

    static func isAddress(_ text: String, _ family: Int32) -> Bool {
        var room = in6_addr()
        return inet_pton(family, text, &room) == 1
    }
}
