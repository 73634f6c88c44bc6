import Foundation
import RunSettings

/// Why a relay cannot work.
public struct RelayError: Error, CustomStringConvertible, Equatable {
    public let description: String
    init(_ description: String) { self.description = description }

    package static func current(_ what: String) -> RelayError {
        RelayError("\(what): \(String(cString: strerror(errno)))")
    }
}

/// Where a TCP socket listens or connects, resolved.
package struct SocketAddress: Sendable, Equatable {
    private let bytes: [UInt8]

    /// Waits for the name service where the host is a name, which stands for its IPv4 address where it has one, as it
    /// does for the sockets of ZeroMQ. A wildcard is both families.
    /// - Throws: `RelayError` for a host that does not resolve.
    package init(resolving endpoint: TCPEndpoint) throws {
        let host = endpoint.host == "*" ? Self.everyAddress : endpoint.host.trimmingCharacters(in: ["[", "]"])
        let port = endpoint.port == "*" ? "0" : endpoint.port
        var failure: Int32 = 0
        for family in [AF_INET, AF_INET6] {
            var hints = addrinfo()
            hints.ai_family = family
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
            hints.ai_flags = AI_NUMERICSERV
            var list: UnsafeMutablePointer<addrinfo>?
            failure = getaddrinfo(host, port, &hints, &list)
            defer { if list != nil { freeaddrinfo(list) } }
            guard failure == 0, let first = list?.pointee, let address = first.ai_addr else { continue }
            bytes = Array(UnsafeRawBufferPointer(start: address, count: Int(first.ai_addrlen)))
            return
        }
        throw RelayError("\(endpoint): \(String(cString: gai_strerror(failure)))")
    }

    /// Linux serves IPv4 too on the wildcard of IPv6, where it has that.
    private static var everyAddress: String {
        let descriptor = socket(AF_INET6, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return "0.0.0.0" }
        close(descriptor)
        return "::"
    }

    /// A socket that listens here, and the port it has.
    /// - Throws: `RelayError` naming the endpoint.
    package func listen(_ endpoint: TCPEndpoint) throws -> (descriptor: Int32, port: UInt16) {
        let descriptor = makeSocket()
        guard descriptor >= 0 else { throw RelayError.current("cannot make a socket") }
        Self.set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
        var bound = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let failure = withPointer { bind(descriptor, $0, $1) } | Foundation.listen(descriptor, 4096)
        guard failure == 0 else {
            let error = RelayError.current("cannot bind \(endpoint)")
            close(descriptor)
            throw error
        }
        // The port has the same offset in addresses of both kinds.
        let port = withUnsafeMutablePointer(to: &bound) { pointer in
            _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
            return UnsafeRawPointer(pointer).loadUnaligned(fromByteOffset: 2, as: UInt16.self)
        }
        return (descriptor, UInt16(bigEndian: port))
    }

    /// Begins to connect; the socket can be written to when that is done.
    /// - Returns: nil where it failed at once; errno says why.
    package func connect() -> Int32? {
        let descriptor = makeSocket()
        guard descriptor >= 0 else { return nil }
        // Three tries take about 15 s; then the peer may try again.
        Self.set(descriptor, Int32(IPPROTO_TCP), TCP_SYNCNT, 3)
        Self.tune(descriptor)
        if withPointer({ Foundation.connect(descriptor, $0, $1) }) == 0 || errno == EINPROGRESS { return descriptor }
        let failure = errno
        close(descriptor)
        errno = failure
        return nil
    }

    private func makeSocket() -> Int32 {
        let family = withPointer { address, _ in Int32(address.pointee.sa_family) }
        return socket(family, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    }

    private func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        bytes.withUnsafeBytes { body($0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count)) }
    }

    /// Passes on at once, and notices within half a minute that the other side is gone without a word.
    package static func tune(_ descriptor: Int32) {
        set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
        set(descriptor, Int32(IPPROTO_TCP), TCP_KEEPIDLE, 10)
        set(descriptor, Int32(IPPROTO_TCP), TCP_KEEPINTVL, 5)
        set(descriptor, Int32(IPPROTO_TCP), TCP_KEEPCNT, 3)
        set(descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, 30_000)
    }

    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}
