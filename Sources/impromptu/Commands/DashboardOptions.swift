import ArgumentParser
import Dashboard

/// Whether and where a command serves the dashboard.
struct DashboardOptions: ParsableArguments {
    @Option(
        defaultAsFlag: DashboardAddress.usual,
        help: ArgumentHelp(
            "Serves a page that shows the run, on loopback: \(DashboardAddress.usual) unless given.",
            valueName: "address:port"))
    var dashboard: String?

    @Flag(help: "Lets --dashboard take an address that others can reach: whoever does may look on.")
    var openDashboard = false

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
        }
    }
}
