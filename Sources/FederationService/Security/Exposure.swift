import RunSettings

extension RunConfiguration {
    /// Refuses to bind what others can reach while anybody could take part.
    /// - Throws: `ConfigurationError` naming the endpoint.
    func checkExposure(of endpoints: Endpoints) throws {
        guard security.keys == nil, !security.openNetwork else { return }
        for (key, endpoint) in [("updates", endpoints.updates), ("prompts", endpoints.prompts)]
        where !Self.staysOnThisMachine(endpoint) {
            guard TCPEndpoint(endpoint) != nil else {
                throw ConfigurationError(
                    "endpoints.\(key): expected tcp://address:port, ipc://path or inproc://name, found \(endpoint)")
            }
            throw ConfigurationError(
                "endpoints.\(key): others can reach \(endpoint), and without keys anybody could take part: set"
                    + " security.keys to a folder that 'impromptu keys' made, or security.open_network to true to let"
                    + " anybody in")
        }
    }

    private static func staysOnThisMachine(_ endpoint: String) -> Bool {
        if endpoint.hasPrefix("ipc://") || endpoint.hasPrefix("inproc://") { return true }
        return TCPEndpoint(endpoint)?.staysOnThisMachine ?? false
    }
}
