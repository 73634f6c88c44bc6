import Federation
import PromptWire

/// A client's unsettled updates as bytes. Each is encoded once: what lies on the disk is what is sent, and sent again.
struct EncodedUpdates {
    private var messages: [UpdateID: [UInt8]]

    /// - Parameter left: what earlier sessions left on the disk.
    init(_ left: [OutboxFolder.Kept]) {
        messages = Dictionary(left.map { ($0.update.id, $0.message) }) { first, _ in first }
    }

    /// Encodes an update and keeps its bytes until it is forgotten.
    mutating func keep(_ update: ClientMessage.Update) -> [UInt8] {
        let message = ClientCodec.encode(.update(update))
        messages[update.id] = message
        return message
    }

    mutating func forget(_ id: UpdateID) { messages[id] = nil }

    /// What is to be sent of a message.
    func bytes(of message: ClientMessage) -> [UInt8] {
        if case .update(let update) = message, let kept = messages[update.id] { return kept }
        return ClientCodec.encode(message)
    }
}
