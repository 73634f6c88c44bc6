import Foundation
import RunSettings

/// The address that other machines get. It is a number wherever it can be: names of a cluster's nodes need not resolve.
package enum ReachableAddress {
    /// An IPv4 address of this machine and the interface that has it.
    package struct Own: Equatable {
        package var interface: String
        package var address: UInt32

        package init(interface: String, address: UInt32) {
            self.interface = interface
            self.address = address
        }

        package var text: String { (0..<4).map { "\(address >> (24 - 8 * UInt32($0)) & 255)" }.joined(separator: ".") }
        package var isLoopback: Bool { address >> 24 == 127 }
    }

    /// - Parameter wish: an interface (`ib0`), a network (`10.1.0.0/16`), or an address or name that is taken as it is;
    ///   empty for the address of the default route, or else the first that is not loopback.
    /// - Throws: `ConfigurationError` where this machine has nothing in that network.
    package static func find(_ wish: String) throws -> String {
        try find(wish, among: own(), byRoute: addressOfDefaultRoute())
    }

    package static func find(_ wish: String, among own: [Own], byRoute routed: @autoclosure () -> String?) throws
        -> String
    {
        if wish.isEmpty {
            return routed() ?? (own.first { !$0.isLoopback } ?? own.first)?.text ?? "127.0.0.1"
        }
        if let match = own.first(where: { $0.interface == wish }) { return match.text }
        guard wish.contains("/") else { return wish }
        guard let (network, mask) = network(wish) else {
            throw ConfigurationError("endpoints.advertise: expected a network such as 10.1.0.0/16, found '\(wish)'")
        }
        if let match = own.first(where: { $0.address & mask == network & mask }) { return match.text }
        throw ConfigurationError(
            "endpoints.advertise: no address of this machine lies in \(wish); it has"
                + " \(own.map { "\($0.text) (\($0.interface))" }.joined(separator: ", "))")
    }

    private static func network(_ text: String) -> (address: UInt32, mask: UInt32)? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let bits = UInt32(parts[1]), bits <= 32 else { return nil }
        var address = in_addr()
        guard inet_pton(AF_INET, String(parts[0]), &address) == 1 else { return nil }
        return (UInt32(bigEndian: address.s_addr), bits == 0 ? 0 : ~0 << (32 - bits))
    }

    private static func own() -> [Own] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        return sequence(first: list, next: { $0?.pointee.ifa_next }).compactMap { entry in
            guard let entry = entry?.pointee, let address = entry.ifa_addr, Int32(address.pointee.sa_family) == AF_INET
            else { return nil }
            let number = UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in.self).sin_addr.s_addr
            return Own(interface: String(cString: entry.ifa_name), address: UInt32(bigEndian: number))
        }
    }

    /// The address that packets to far away bear. Connecting a datagram socket asks the routing table and sends nothing.
    private static func addressOfDefaultRoute() -> String? {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(9).bigEndian
        // An address that documentation reserves: it is nobody's, so only the default route leads there.
        address.sin_addr.s_addr = UInt32(0xC000_0201).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let failure = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, size) == 0 ? getsockname(descriptor, $0, &size) : -1
            }
        }
        return failure == 0 ? Own(interface: "", address: UInt32(bigEndian: address.sin_addr.s_addr)).text : nil
    }
}

extension RunConfiguration.Endpoints {
    /// The endpoint that others connect to.
    /// - Parameter wish: which address stands for a wildcard (`ReachableAddress`).
    /// - Throws: `ConfigurationError` where this machine has no such address.
    package func advertised(as wish: String) throws -> Self {
        func reachable(_ bound: String) throws -> String {
            guard var endpoint = TCPEndpoint(bound), endpoint.isEveryAddress else { return bound }
            endpoint.host = try ReachableAddress.find(wish)
            return endpoint.description
        }
        return .init(updates: try reachable(updates), prompts: try reachable(prompts))
    }
}
