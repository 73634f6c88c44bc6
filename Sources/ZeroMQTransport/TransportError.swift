import CZeroMQ
import Glibc

/// A call to ZeroMQ or to the operating system that failed.
public struct TransportError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What failed.
    public enum Operation: String, Sendable {
        case createContext = "create a ZeroMQ context"
        case createSocket = "create a socket"
        case setOption = "set a socket option"
        case bind = "bind"
        case unbind = "unbind"
        case connect = "connect"
        case disconnect = "disconnect"
        case subscribe = "subscribe"
        case send = "send"
        case receive = "receive"
        case poll = "wait for messages"
        case startLoop = "start a poll loop"
        case createKey = "create a CURVE key"
        case monitor = "monitor a socket"
    }

    public var operation: Operation
    /// The endpoint, or the name of the option, where there is one.
    public var subject: String?
    /// The errno of the call; ZeroMQ has a few of its own.
    public var code: Int32

    public init(operation: Operation, subject: String? = nil, code: Int32) {
        self.operation = operation
        self.subject = subject
        self.code = code
    }

    /// Describes the call that has just failed.
    static func current(_ operation: Operation, _ subject: String? = nil) -> TransportError {
        TransportError(operation: operation, subject: subject, code: zmq_errno())
    }

    public var description: String {
        "cannot \(operation.rawValue)\(subject.map { " \($0)" } ?? ""): \(reason) (errno \(code))"
    }

    /// The errno in plain words.
    public var reason: String {
        switch code {
        case EADDRINUSE: "the address is in use by another socket"
        case EADDRNOTAVAIL: "no network interface of this host has this address"
        case ENODEV: "no address and no network interface of this host has this name"
        case EINVAL where operation == .setOption: "the value is not allowed"
        case EINVAL: "this is no valid endpoint; expected for example tcp://127.0.0.1:5555 or ipc:///run/a.sock"
        case EPROTONOSUPPORT: "endpoints start with tcp://, ipc:// or inproc://"
        case ENOCOMPATPROTO: "this kind of socket does not speak this protocol"
        case EACCES: "permission was denied"
        case ENAMETOOLONG: "the path of an ipc endpoint has at most 107 bytes"
        case ENOENT where operation == .bind: "the directory of the ipc endpoint does not exist"
        case ENOENT: "the endpoint is not bound or connected here"
        case EMFILE: "this process has as many files or sockets open as it may"
        case ETERM: "the ZeroMQ context was shut down"
        case ENOTSOCK: "the socket was closed"
        case EPERM where operation != .bind: "the socket belongs to a poll loop and was used on another thread"
        default: String(cString: zmq_strerror(code))
        }
    }
}
