import FlyingSocks
import Foundation
import RunSettings

/// Where the dashboard is served.
public struct DashboardAddress: Hashable, Sendable, CustomStringConvertible {
    /// An IPv4 or IPv6 address.
    public var host: String
    public var port: UInt16

    /// Beside the usual endpoints of an aggregator.
    public static let usual = "127.0.0.1:5603"

    /// - Parameters:
    ///   - text: `127.0.0.1:5603`, `[::1]:5603` or `localhost:5603`; port 0 takes a free one.
    ///   - isOpen: whether addresses that others can reach are wanted.
    /// - Throws: `ConfigurationError`.
    public init(_ text: String, isOpen: Bool) throws {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw Self.unreadable(text)
        }
        var host = String(text[..<colon])
        if host == "localhost" { host = "127.0.0.1" }
        if host.hasPrefix("["), host.hasSuffix("]"), HostCheck.isAddress(String(host.dropFirst().dropLast()), AF_INET6)
        {
            host = String(host.dropFirst().dropLast())
        } else if !HostCheck.isAddress(host, AF_INET) {
            throw Self.unreadable(text)
        }
        self.host = host
        self.port = port
        guard isOpen || isLoopback else {
            throw ConfigurationError(
                "--dashboard \(text): others can reach this address, and the dashboard asks nobody who they are: choose"
                    + " one of loopback, or say --open-dashboard to let anybody look on")
        }
    }

    private static func unreadable(_ text: String) -> ConfigurationError {
        ConfigurationError("--dashboard \(text): expected ADDRESS:PORT, such as \(usual) or [::1]:5603")
    }

    private var isLoopback: Bool { host.contains(":") ? host == "::1" : host.hasPrefix("127.") }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// A socket that listens there, and the address with its real port.
    package func listen() throws -> (socket: Socket, address: DashboardAddress) {
        do {
            let socket: Socket
            if host.contains(":") {
                socket = try Self.listen(at: .inet6(ip6: host, port: port))
            } else {
                socket = try Self.listen(at: .inet(ip4: host, port: port))
            }
            var address = self
            switch try socket.sockname() {
            case .ip4(_, let port), .ip6(_, let port): address.port = port
            case .unix: break
            }
            return (socket, address)
        } catch let SocketError.failed(_, code, message) {
            throw ConfigurationError(
                "--dashboard \(self): \(code == EADDRINUSE ? "the address is in use" : message)")
        }
    }

    private static func listen<A: SocketAddress>(at address: A) throws -> Socket {
        let socket = try Socket(domain: Int32(A.family))
        do {
            try socket.setValue(true, for: .localAddressReuse)
            try socket.bind(to: address)
            try socket.listen()
        } catch {
            try? socket.close()
            throw error
        }
        return socket
    }
}
