import CZeroMQ

extension PollLoop {
    /// Filters a publisher's topics, so that each subscriber gets only those that `permit` allows it: a subscription
    /// that is not allowed takes no effect. Ask before binding.
    /// - Parameter permit: gets the topic and the name that the authenticator gave to the subscriber's key. As ZeroMQ
    ///   compares a subscription with the start of a topic, allow whole topics alone, and none that another begins with.
    /// - Throws: `TransportError`.
    public func publish(
        from socket: consuming sending Socket<XPub>,
        permit: @escaping @Sendable (_ topic: [UInt8], _ userID: String?) -> Bool
    ) throws(TransportError) -> sending Port<XPub> {
        try socket.handle.set(ZMQ_XPUB_MANUAL, 1, name: "XPUB manual")
        let gate = SubscriptionGate(handle: socket.handle, permit: permit)
        // ZeroMQ applies an answer to the subscriber whose message was received last, so they are taken one by one.
        return receive(from: socket, batch: 1) { messages in
            for message in messages { gate.answer(message) }
        }
    }
}

/// Used on the loop's thread only, like the handle.
private struct SubscriptionGate: @unchecked Sendable {
    let handle: SocketHandle
    let permit: @Sendable ([UInt8], String?) -> Bool

    /// If the answer cannot be given, the subscriber gets nothing, which is the safe side.
    func answer(_ message: Message) {
        switch SubscriptionEvent(message) {
        case .subscribed(let topic):
            if permit(topic, message.userID) { try? handle.set(ZMQ_SUBSCRIBE, bytes: topic, name: "subscription") }
        case .unsubscribed(let topic): try? handle.set(ZMQ_UNSUBSCRIBE, bytes: topic, name: "subscription")
        case nil: break
        }
    }
}
