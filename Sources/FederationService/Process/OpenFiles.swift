import Glibc
import RunSettings

/// How many files and sockets this process may have open at a time (RLIMIT_NOFILE), raised as far as it needs and may.
package struct OpenFiles: Sendable {
    /// In force now.
    package let limit: Int

    /// What a process holds open besides its peers' connections: the log, figures, weights, ZeroMQ's own.
    package static let own = 128

    /// What an aggregator needs for so many clients if each is a process of its own: both its sockets have a connection
    /// for each.
    package static func needed(forClients clients: Int) -> Int { own + 2 * clients }

    /// - Throws: `ConfigurationError` where not even a process without peers could work.
    package init(raisedTo wanted: Int) throws {
        limit = Self.raise(to: wanted)
        guard limit >= Self.own else {
            throw ConfigurationError(
                "expected a process that may open at least \(Self.own) files and sockets, found \(limit): \(Self.remedy)"
            )
        }
    }

    /// Raises the soft limit to `wanted`, or as near to it as the hard limit lets; it is never lowered.
    /// - Returns: the limit now.
    @discardableResult
    package static func raise(to wanted: Int) -> Int {
        var limits = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
        if limits.rlim_cur < wanted, limits.rlim_cur < limits.rlim_max {
            var raised = limits
            raised.rlim_cur = min(rlim_t(wanted), limits.rlim_max)
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limits = raised }
        }
        return Int(clamping: limits.rlim_cur)
    }

    /// Peers' connections that there is room for.
    package var connections: Int { limit - Self.own }

    /// A warning for a person if so many clients may be too many, nil if they are not.
    package func shortage(forClients clients: Int) -> String? {
        Self.shortage(of: limit, forClients: clients)?.description
    }

    /// Too few files if each client is a process of its own.
    package struct Shortage: CustomStringConvertible {
        package let limit: Int
        package let clients: Int

        package var description: String {
            "this process may open \(limit) files and sockets; \(clients) clients, each a process of its own, need"
                + " \(OpenFiles.needed(forClients: clients)): \(remedy)"
        }

        package var remedy: String { OpenFiles.remedy + ", or let each worker host several clients" }
    }

    package static func shortage(of limit: Int, forClients clients: Int) -> Shortage? {
        limit < needed(forClients: clients) ? Shortage(limit: limit, clients: clients) : nil
    }

    private static let remedy =
        "raise the hard limit (ulimit -Hn in a shell, LimitNOFILE= under systemd, --ulimit nofile= for a container)"
}
