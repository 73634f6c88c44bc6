import Federation
import Foundation
import PromptAggregation
import RunSettings
import ZeroMQTransport

/// Making keys. What is there is kept, so a command that was interrupted can be given again.
extension KeyFolder {
    /// Makes the aggregator's keys and an empty list of who may connect, as far as they are not there.
    /// - Returns: whether anything was made.
    public func makeAggregator() throws -> Bool {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw ConfigurationError("\(path): cannot make the folder: \(error.localizedDescription)")
        }
        return try edit { try stepsToMakeAggregator() }
    }

    package func stepsToMakeAggregator() throws -> [Step] {
        guard exists(secretFile(Self.aggregator)) || !exists(publicFile(Self.aggregator)) else {
            throw ConfigurationError(
                "\(path): expected the aggregator's folder, found aggregator.public without aggregator.secret, as a"
                    + " worker's folder has it")
        }
        let head = "# Who may connect: name, public key, the clients that it may speak for (* for all).\n"
        return try pair(Self.aggregator).steps + (exists(allowed) ? [] : [.write(allowed, head)])
    }

    /// Makes a key and lists it.
    /// - Parameter clients: those that its holder may speak for; `*` alone stands for all.
    /// - Returns: false where the key is there, for the same clients.
    /// - Throws: `ConfigurationError` for a name that has a key for other clients, or that cannot have one.
    @discardableResult
    public func make(name: String, clients: [String]) throws -> Bool {
        try edit { try stepsToMake(name: name, clients: clients) }
    }

    package func stepsToMake(name: String, clients: [String]) throws -> [Step] {
        guard ClientID.isName(name) else {
            throw ConfigurationError("expected \(ClientID.naming) for a key's name, found '\(name)'")
        }
        guard name != Self.aggregator else {
            throw ConfigurationError(
                "expected another name for a worker's key than '\(name)': the aggregator's own key has it, and"
                    + " 'impromptu keys make' makes that one")
        }
        if clients != ["*"], let wrong = clients.first(where: { !ClientID.isName($0) }) {
            throw ConfigurationError("expected \(ClientID.naming) for a client, found '\(wrong)'")
        }
        var lines = try allowedLines()
        if let found = lines.entry(of: name) {
            guard found.clients == clients else {
                let whom = found.clients.isEmpty ? "none" : found.clients.joined(separator: " ")
                throw ConfigurationError(
                    "\(allowed): expected no key of the name \(name), found one for clients: \(whom)")
            }
            return []
        }
        // A secret that is listed nowhere is from a command that was interrupted, and as good as a new one.
        let (key, steps) = try pair(name)
        guard !lines.isRevoked(key) else {
            throw ConfigurationError(
                "\(secretFile(name)): expected a key that is not revoked; 'impromptu keys revoke \(name) --keys \(path)'"
                    + " removes it")
        }
        lines.append(name: name, key: key, clients: clients)
        return steps + [.write(allowed, lines.text)]
    }

    /// The public half of the secret key of that name, which is made unless it is there, and what both files take.
    private func pair(_ name: String) throws -> (key: CurvePublicKey, steps: [Step]) {
        let file = secretFile(name)
        let isThere = exists(file)
        let secret = isThere ? try secretKey(in: file) : try CurveSecretKey.generate()
        let key = try secret.publicKey()
        let steps: [Step] = isThere ? [] : [.write(file, secret.z85 + "\n", isSecret: true)]
        return (key, steps + stepsToShow(key, of: name))
    }

    /// What it takes to have a name's public file hold that key.
    func stepsToShow(_ key: CurvePublicKey, of name: String) -> [Step] {
        let file = publicFile(name)
        return (try? read(file)) == key.z85 + "\n" ? [] : [.write(file, key.z85 + "\n")]
    }
}
