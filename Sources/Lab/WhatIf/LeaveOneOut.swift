import Federation
import PromptAggregation
import PromptWire
import RunLog

extension WhatIfMethods {
    /// The recorded aggregation without each of the clients that sent updates, one at a time.
    /// - Throws: `LogError`, `ReplayError`.
    public static func leavingOutEach(of path: String) throws -> WhatIfMethods {
        var reader = try RunLogReader(path: path)
        var clients: Set<ClientID> = []
        while let entry = try reader.next() {
            if case .received(.update(let update)) = entry.record { clients.insert(update.client) }
        }
        guard clients.count > 1 else {
            throw ReplayError("\(path): expected updates of at least 2 clients, found those of \(clients.count)")
        }
        return WhatIfMethods(without: clients.sorted().map { [$0] })
    }

    /// The recorded aggregation without those clients.
    /// - Throws: `ReplayError` for a client without an update in the log; `LogError`.
    public static func leavingOut(_ names: [String], of path: String) throws -> WhatIfMethods {
        let known = Set(try leavingOutEach(of: path).absent.flatMap { $0 })
        let clients = names.map { ClientID($0) }
        if let stranger = clients.first(where: { !known.contains($0) }) {
            throw ReplayError("\(path): expected a client that sent updates, found '\(stranger)'")
        }
        guard Set(clients).count < known.count else {
            throw ReplayError(
                "\(path): expected at least one of the clients to be left, found all \(known.count) left out")
        }
        return WhatIfMethods(without: [clients])
    }
}
