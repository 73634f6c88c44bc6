import Foundation

/// Reports a service's state to systemd, and to a health file if one is wanted: that it is ready, what it does, that it
/// is alive, that it stops.
///
/// The protocol is a datagram of `KEY=value` lines to the socket that NOTIFY_SOCKET names (sd_notify(3)); speaking it is
/// less than linking libsystemd, which a machine without systemd lacks. Where nobody listens nothing is sent.
package struct ServiceReporter: Sendable {
    /// A path, or a name of the abstract namespace behind an `@`.
    private let socketName: String?
    private let health: HealthFile?
    /// How often `alive` is to be called.
    package let interval: Duration

    /// Without a watchdog the words about the service still change this often.
    private static let plainInterval: Duration = .seconds(5)

    package init(
        environment: [String: String] = ProcessInfo.processInfo.environment, process: Int32 = getpid(),
        health: HealthFile? = nil
    ) {
        self.health = health
        socketName = environment["NOTIFY_SOCKET"].flatMap { $0.hasPrefix("/") || $0.hasPrefix("@") ? $0 : nil }
        let isForAnother = environment["WATCHDOG_PID"].map { $0 != "\(process)" } ?? false
        if !isForAnother, let patience = environment["WATCHDOG_USEC"].flatMap(Int64.init), patience > 0 {
            // Three times in the patience of the manager, so that one that comes late is not the end.
            interval = min(Self.plainInterval, max(.milliseconds(1), .microseconds(patience) / 3))
        } else {
            interval = Self.plainInterval
        }
    }

    package func ready(_ status: String) { tell("READY=1", status) }
    package func alive(_ status: String) { tell("WATCHDOG=1", status) }
    package func stopping() {
        send(["STOPPING=1"])
        health?.remove()
    }

    private func tell(_ state: String, _ status: String) {
        let words = Self.oneLine(status)
        send([state, "STATUS=\(words)"])
        health?.write(words)
    }

    private static func oneLine(_ text: String) -> String { text.replacing("\n", with: " ") }

    /// If this fails, the manager notices by itself that the service is silent.
    private func send(_ lines: [String]) {
        guard let socketName, var address = Self.address(socketName) else { return }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let message = Array(lines.joined(separator: "\n").utf8)
        withUnsafePointer(to: &address.value) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = sendto(
                    descriptor, message, message.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT), $0,
                    address.size)
            }
        }
    }

    /// nil for a name that is too long.
    private static func address(_ name: String) -> (value: sockaddr_un, size: socklen_t)? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(name.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let isAbstract = bytes[0] == 0
        let size = MemoryLayout<sa_family_t>.size + bytes.count + (isAbstract ? 0 : 1)
        return (address, socklen_t(size))
    }
}
