import Foundation

/// A port of loopback that somebody listens at.
package final class TakenPort {
    private let descriptor: Int32
    package let endpoint: String

    /// - Parameter wanted: an endpoint whose port it takes; any free one unless given.
    package init(_ wanted: String? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        if let wanted {
            address.sin_port = try port(of: wanted).bigEndian
        }
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let failure = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) | listen(descriptor, 1) | getsockname(descriptor, $0, &size)
            }
        }
        guard failure == 0 else { throw POSIXError(.EADDRINUSE) }
        endpoint = "tcp://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
    }

    deinit { close(descriptor) }
}

/// The port of an endpoint.
private func port(of endpoint: String) throws -> UInt16 {
    guard let port = endpoint.split(separator: ":").last.flatMap({ UInt16($0) }) else { throw POSIXError(.EINVAL) }
    return port
}
