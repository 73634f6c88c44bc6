import Glibc

/// Which of the two families of addresses an endpoint is meant in.
///
/// A name stands for its IPv4 address where it has one, else for its IPv6 address, whether it is bound or connected to;
/// so both sides of `tcp://localhost:5601` mean the same. ZeroMQ itself takes no names for binding.
enum AddressFamily {
    /// - Returns: whether ZeroMQ has to take the endpoint for IPv6. A wildcard is bound in both families.
    static func needsIPv6(_ endpoint: String) -> Bool {
        guard let host = host(of: endpoint) else { return false }
        if host == "*" || host.hasPrefix("[") { return true }
        return address(of: host)?.hasPrefix("[") ?? false
    }

    /// The endpoint as ZeroMQ can bind it: with an address in place of a name, unless that is an interface's. What cannot
    /// be resolved stays as it is, which binding then reports.
    static func bindable(_ endpoint: String) -> String {
        guard let host = host(of: endpoint), host != "*", !host.hasPrefix("["), if_nametoindex(host) == 0,
            let address = address(of: host)
        else { return endpoint }
        return scheme + address + endpoint.dropFirst(scheme.count + host.count)
    }

    private static let scheme = "tcp://"

    /// Nil for another transport. What is connected to may begin with the address to connect from, and a semicolon.
    private static func host(of endpoint: String) -> String? {
        guard endpoint.hasPrefix(scheme), let colon = endpoint.lastIndex(of: ":") else { return nil }
        let place = endpoint[..<colon].dropFirst(scheme.count)
        return String(place.split(separator: ";").last ?? place)
    }

    /// The numeric address of a host, an IPv6 one in brackets. Waits for the name service where it is a name.
    private static func address(of host: String) -> String? {
        for family in [AF_INET, AF_INET6] {
            var hints = addrinfo()
            hints.ai_family = family
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
            var list: UnsafeMutablePointer<addrinfo>?
            defer { if list != nil { freeaddrinfo(list) } }
            guard getaddrinfo(host, nil, &hints, &list) == 0, let found = list?.pointee else { continue }
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let failure = getnameinfo(
                found.ai_addr, found.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
            guard failure == 0 else { continue }
            let address = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            return family == AF_INET6 ? "[\(address)]" : address
        }
        return nil
    }
}
