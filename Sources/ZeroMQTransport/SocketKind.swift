import CZeroMQ

/// A type of ZeroMQ socket, which decides what a socket can do.
public protocol SocketKind {
    static var type: Int32 { get }
}

/// Sockets that send.
public protocol SendingKind: SocketKind {}

/// Sockets that receive.
public protocol ReceivingKind: SocketKind {}

/// Deals messages out to Pull sockets, each message to one of them.
public enum Push: SendingKind {
    public static var type: Int32 { ZMQ_PUSH }
}

/// Takes messages from all connected Push sockets.
public enum Pull: ReceivingKind {
    public static var type: Int32 { ZMQ_PULL }
}

/// Sends each message to all subscribers of its topic, the first frame.
public enum Pub: SendingKind {
    public static var type: Int32 { ZMQ_PUB }
}

/// Like Pub, and receives the subscriptions as messages (`SubscriptionEvent`).
public enum XPub: SendingKind, ReceivingKind {
    public static var type: Int32 { ZMQ_XPUB }
}

/// Receives what it has subscribed to.
public enum Sub: ReceivingKind {
    public static var type: Int32 { ZMQ_SUB }
}
