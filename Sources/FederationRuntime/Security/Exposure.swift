extension RunConfiguration {
    /// Refuses to bind what others can reach while anybody could take part.
    /// - Throws: `ConfigurationError` naming the endpoint.
    func checkExposure(of endpoints: Endpoints) throws {
        guard security.keys == nil, !security.openNetwork else { return }
        for (key, endpoint) in [("updates", endpoints.updates), ("prompts", endpoints.prompts)]
        where !Self.staysOnThisMachine(endpoint) {
            throw ConfigurationError(
                "endpoints.\(key): others can reach \(endpoint), and without keys anybody could take part: set"
                    + " security.keys to a folder that 'impromptu keys' made, or security.open_network to true to let"
                    + " anybody in")
        }
    }

    private static func staysOnThisMachine(_ endpoint: String) -> Bool {
        if endpoint.hasPrefix("ipc://") || endpoint.hasPrefix("inproc://") { return true }
        guard endpoint.hasPrefix("tcp://"), let colon = endpoint.lastIndex(of: ":") else { return false }
        let host = endpoint[endpoint.index(endpoint.startIndex, offsetBy: 6)..<colon]
        let numbers = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return ["localhost", "lo", "[::1]"].contains(host)
            || numbers.count == 4 && numbers[0] == 127 && numbers.allSatisfy { $0 != nil }
    }
}
