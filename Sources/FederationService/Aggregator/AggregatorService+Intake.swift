import Federation
import Logging
import PromptAggregation
import PromptWire
import RunLog

/// How a live service takes in what clients send, and what it says of what it does not.
extension AggregatorService {
    func take(_ messages: [AggregatorLinks.Incoming]) {
        guard !ended else { return }
        attempt {
            for message in messages {
                do {
                    let answer = try message.withBytes { bytes in
                        try pipeline.receive(bytes, from: message.party, at: clock.now()) {
                            maySpeak(message.sender, for: $0)
                        }
                    }
                    if let answer {
                        publish(answer)
                        noteOffence(message)
                    }
                } catch let error as WireError {
                    refuse(message, message.frameCount == 1 ? error : Self.tooManyFrames(message))
                    noteOffence(message)
                } catch let error as Imposture {
                    complain(
                        "message in another's name dropped", about: "\(message.sender ?? "")",
                        ["key": "\(message.sender ?? "")", "client": "\(error.client)"])
                    noteOffence(message)
                } catch let error as Excess {
                    complain(
                        error.isOfParty
                            ? "message beyond what one key or connection may say for its clients dropped"
                            : "message beyond what a client may say dropped",
                        about: error.isOfParty ? message.sender ?? "" : "\(error.client)",
                        ["key": "\(message.sender ?? "none")", "client": "\(error.client)"])
                    noteOffence(message)
                }
            }
            try advance()
        }
    }

    private static func tooManyFrames(_ message: AggregatorLinks.Incoming) -> WireError {
        WireError(field: "message", problem: "expected one frame, found \(message.frameCount)")
    }

    /// Cuts off who sends too much of what comes to nothing.
    private func noteOffence(_ message: AggregatorLinks.Incoming) {
        guard links?.noteOffence(message) ?? false else { return }
        var details: Logger.Metadata = ["key": "\(message.sender ?? "none")"]
        // Whoever has no key may connect again at once.
        if message.sender != nil { details["locked_out"] = "\(Offences.sentence)" }
        complain("cut off who sends too much that comes to nothing", about: "\(message.sender ?? "")", details)
    }

    /// Whether the holder of a key may speak for a client; anybody may where the run has no keys.
    private func maySpeak(_ sender: String?, for client: ClientID) -> Bool {
        guard let keys else { return true }
        return sender.map { keys.allowed.permits($0, toSpeakFor: client) } ?? false
    }

    /// Reports a message that is malformed, and says so to the client that it is from where that is certain.
    private func refuse(_ message: AggregatorLinks.Incoming, _ error: WireError) {
        let limits = pipeline.engine.limits
        let client = message.withBytes { bytes in
            bytes.withUnsafeBytes { ClientCodec.sender(of: $0, limits: limits) }
        }
        let known = client.flatMap { maySpeak(message.sender, for: $0) ? $0 : nil }
        let isTold = complain(
            "malformed message dropped", about: "\(error.field) \(message.sender ?? "") \(client?.name ?? "")",
            ["problem": "\(error)", "key": "\(message.sender ?? "")", "client": "\(client?.name ?? "not given")"])
        if let known, isTold {
            publish(.malformed(.init(client: known, reason: "\(error)")), on: .client(known))
        }
    }

    /// Publishes what promises nothing, so it need not wait for the disk.
    private func publish(_ answer: LoggedAggregator.Answer) {
        if case .reject(let reject) = answer.message {
            complain(
                "update turned away", about: "\(reject.client) \(reject.code)",
                ["client": "\(reject.client)", "reason": "\(reject.reason)"])
        }
        publish(answer.message, on: .client(answer.client))
    }

    /// Logs the first problems of a kind with somebody, and each doubling of their count.
    /// - Parameter party: with what or whom.
    /// - Returns: whether it was logged.
    @discardableResult
    func complain(_ problem: Logger.Message, about party: String, _ details: Logger.Metadata) -> Bool {
        guard let count = complaints.note("\(problem) \(party)") else { return false }
        logger.warning(problem, metadata: details.merging(["so_far": "\(count)"]) { $1 })
        return true
    }
}
