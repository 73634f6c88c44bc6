import Foundation
import PromptAggregation
import PromptWire
import RunLog
import RunSettings
import ZeroMQTransport

/// Endpoints and keys.
extension Checkup {
    // MARK: Keys

    mutating func lookAtAggregatorKeys() {
        guard let path = configuration.security.keys else {
            do {
                try configuration.checkExposure(of: configuration.endpoints)
                note(withoutKeys)
            } catch {
                note(
                    .failed(
                        "security.keys", "\(error)",
                        advice: "impromptu keys make --config run.yaml --workers N, and set security.keys to its folder"
                    ))
            }
            return
        }
        do {
            let folder = KeyFolder(path: path)
            _ = try folder.aggregatorSide()
            let allowed = try folder.allowList()
            let names = allowed.names
            guard configuration.data.isDivided else { return note(.ok("security.keys", "\(names.count) keys")) }
            let mute = configuration.clients.filter { client in
                !names.contains { allowed.permits($0, toSpeakFor: client) }
            }
            guard let first = mute.first else {
                return note(.ok("security.keys", "\(names.count) keys, every client has one"))
            }
            note(
                .warning(
                    "security.keys", "\(mute.count) clients have no key that may speak for them, \(first) for one",
                    advice: "impromptu keys make --keys \(path) --name NAME --client \(first)"))
        } catch {
            note(
                .failed("security.keys", "\(error)", advice: "impromptu keys make --keys \(path) makes what is missing")
            )
        }
    }

    private var withoutKeys: Finding {
        configuration.security.openNetwork
            ? .warning(
                "security.keys", "none: whoever reaches the endpoints takes part under any name",
                advice: "set security.keys to a folder that 'impromptu keys' made")
            : .ok("security.keys", "none, and nothing but this machine is bound")
    }

    /// - Returns: what to connect with, nil where that is not known.
    mutating func lookAtWorkerKey(named name: String) -> Security? {
        do {
            let security = try WorkerService.security(configuration.security, key: name)
            note(.ok("security.keys", configuration.security.keys.map { "\($0)/\(name).secret" } ?? "none"))
            return security
        } catch {
            note(
                .failed(
                    "security.keys", "\(error)",
                    advice:
                        "copy \(name).secret and, unless security.aggregator_key is set, aggregator.public from where"
                        + " 'impromptu keys' made them, and name their folder in security.keys"))
            return nil
        }
    }

    // MARK: The aggregator's endpoints

    mutating func lookAtBinding(_ folder: RunFolder?) {
        var endpoints = configuration.endpoints
        do {
            endpoints = try folder?.endpointsAgain(endpoints) ?? endpoints
        } catch {
            note(.failed("endpoints", "\(error)", advice: "remove this file; the aggregator writes it again"))
        }
        for (subject, endpoint) in [("endpoints.updates", endpoints.updates), ("endpoints.prompts", endpoints.prompts)]
        {
            do {
                if endpoint.hasPrefix("ipc://") {
                    try requireFolder(ofSocket: String(endpoint.dropFirst("ipc://".count)))
                } else {
                    try Socket<Pull>(try Context()).bind(endpoint)
                }
                note(.ok(subject, "\(endpoint) can be bound"))
            } catch {
                note(
                    .failed(
                        subject, "\(error)",
                        advice: "see who listens there (ss -ltnp), or name another address or port"))
            }
        }
    }

    /// Binding an ipc endpoint takes it away from whoever has it, so its folder alone is looked at.
    private func requireFolder(ofSocket path: String) throws {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        guard access(folder, W_OK) == 0 else {
            throw RunFolderError("\(folder): \(String(cString: strerror(errno)))")
        }
    }

    // MARK: A worker's way to the aggregator

    /// How long a connection may take.
    private static let patience: Duration = .seconds(5)

    mutating func lookAtReaching(_ security: Security?) {
        guard let security else { return }
        let endpoints = configuration.endpoints
        for (subject, endpoint) in [("endpoints.updates", endpoints.updates), ("endpoints.prompts", endpoints.prompts)]
        {
            if endpoint.hasSuffix(":*") {
                note(
                    .failed(
                        subject, "\(endpoint) stands for any free port, so a worker cannot know which one to reach",
                        advice: "set \(subject) to the endpoint that the aggregator logs when it starts"))
                continue
            }
            do {
                note(finding(subject, endpoint, try reach(endpoint, security, updates: endpoint == endpoints.updates)))
            } catch {
                note(.failed(subject, "\(error)", advice: "expected an endpoint such as tcp://10.0.0.5:5601"))
            }
        }
    }

    private func reach(_ endpoint: String, _ security: Security, updates: Bool) throws -> Reach {
        var options = WorkerLinks.options
        options.security = security
        options.linger = .zero
        let context = try Context()
        if updates {
            let push = try Socket<Push>(context, options: options)
            let monitor = try push.monitor()
            try push.connect(endpoint)
            defer { try? push.disconnect(endpoint) }
            return try watch(monitor)
        }
        let subscriber = try Socket<Sub>(context, options: options)
        let monitor = try subscriber.monitor()
        try subscriber.connect(endpoint)
        // The socket lives until its last use.
        defer { try? subscriber.disconnect(endpoint) }
        return try watch(monitor)
    }

    private func watch(_ monitor: borrowing Socket<Monitor>) throws -> Reach {
        let deadline = ContinuousClock.now + Self.patience
        var reach = Reach.nothing
        while reach != .talks, !reach.isRefusal, let message = try monitor.receive(within: deadline - .now) {
            if let event = ConnectionEvent(message) { reach.take(event) }
        }
        return reach
    }

    private func finding(_ subject: String, _ endpoint: String, _ reach: Reach) -> Finding {
        switch reach {
        case .talks: .ok(subject, "\(endpoint) answers")
        case .keyUnknown:
            .failed(
                subject, "\(endpoint) does not know this worker's key",
                advice: "add the key's line to 'allowed' where the aggregator runs, and send it SIGHUP")
        case .brokenOff, .oneSidedKeys, .connects:
            .failed(
                subject, "\(endpoint) is reached, but no conversation comes about",
                advice: reach.words(hasKeys: configuration.security.keys != nil))
        case .nothing:
            .warning(
                subject, "nobody answers at \(endpoint)",
                advice: "is the aggregator started, does the name resolve here, does a firewall let the port through?")
        }
    }
}
