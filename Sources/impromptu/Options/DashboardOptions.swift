import ArgumentParser
import Dashboard

/// Whether and where a command serves the dashboard.
struct DashboardOptions: ParsableArguments {
    @Option(
        defaultAsFlag: DashboardAddress.usual,
        help: ArgumentHelp(
            "Serves a page that shows the run; by default on \(DashboardAddress.usual).",
            valueName: "address:port"))
    var dashboard: String?

    @Flag(help: "Allows --dashboard an address that others can reach: anybody who reaches it may watch.")
    var openDashboard = false

    @Option(
        name: .customLong("dashboard-host"),
        help: ArgumentHelp(
            "A further host name that --dashboard answers to, such as a proxy's; repeatable.", valueName: "name"))
    var hosts: [String] = []

    func validate() throws {
        guard dashboard != nil || hosts.isEmpty && !openDashboard else {
            throw ValidationError("--open-dashboard and --dashboard-host: expected --dashboard with them")
        }
        if let wrong = hosts.first(where: { $0.isEmpty || $0.contains(where: { ":/[]@ ".contains($0) }) }) {
            throw ValidationError("--dashboard-host: expected a host name without port, found '\(wrong)'")
        }
    }

    /// nil where none is wanted.
    /// - Throws: `ConfigurationError`.
    var address: DashboardAddress? {
        get throws { try dashboard.map { try DashboardAddress($0, isOpen: openDashboard) } }
    }

    /// The same wish as arguments of another command, once it is known to be sound.
    var arguments: [String] {
        get throws {
            guard let dashboard, try address != nil else { return [] }
            return ["--dashboard", dashboard] + (openDashboard ? ["--open-dashboard"] : [])
                + hosts.flatMap { ["--dashboard-host", $0] }
        }
    }
}
