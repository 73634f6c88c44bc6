import Logging

extension AggregatorService {
    /// Reads again who may connect. Those who are connected and may do less than before are cut off; others come again by
    /// themselves. A list that cannot be read leaves the earlier one in force.
    public func reloadKeys() {
        guard !ended else { return }
        guard let keys else { return logger.info("no keys to reload: security.keys is not set") }
        do {
            let change = try keys.allowed.reload()
            if change.isRevoked { links?.hangUp() }
            logger.info(
                "keys reloaded",
                metadata: [
                    "added": "\(change.added.joined(separator: " "))",
                    "removed": "\(change.removed.joined(separator: " "))", "hung_up": "\(change.isRevoked)",
                ])
        } catch {
            logger.error("keys not reloaded, the earlier ones stay in force", metadata: ["problem": "\(error)"])
        }
    }
}
