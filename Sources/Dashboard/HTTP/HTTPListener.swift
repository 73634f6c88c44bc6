import FlyingSocks
import Foundation
import Synchronization

/// Serves GET over HTTP/1.1, one request a connection. A client that is slow, stuck or hostile costs one of a fixed number of
/// connections for a fixed time, and nothing else.
package struct HTTPListener: Sendable {
    package struct Limits: Sendable {
        /// Served at the same time; one more gets 503.
        package var connections = 64
        /// For a request's head to arrive.
        package var headTime: Duration = .seconds(5)
        /// For one response, or one event of a stream, to be taken.
        package var writeTime: Duration = .seconds(10)

        package init() {}
    }

    package enum Answer: Sendable {
        case whole(Response)
        /// The response's head, then whatever comes until the client goes.
        case stream(AsyncStream<[UInt8]>)
    }

    private let socket: Socket
    private let limits: Limits
    private let answer: @Sendable (RequestHead) -> Answer
    private let places: Places

    package init(
        socket: Socket, limits: Limits = Limits(), answer: @escaping @Sendable (RequestHead) -> Answer
    ) {
        self.socket = socket
        self.limits = limits
        self.answer = answer
        places = Places(limits.connections)
    }

    /// Serves until the task is cancelled.
    /// - Throws: what keeps it from waiting for sockets.
    package func run() async throws {
        let pool = SocketPool.make()
        try await pool.prepare()
        let listening = try AsyncSocket(socket: socket, pool: pool)
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await pool.run() }
            group.addTask { await accept(on: listening) }
            try await group.next()
        }
    }

    private func accept(on listening: AsyncSocket) async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                do {
                    let connection = try await listening.accept()
                    group.addTask { await serve(connection) }
                } catch {
                    // A client that has gone already, or no file descriptor left: later there may be one.
                    try? await Task.sleep(for: .milliseconds(100))
                }
            }
        }
    }

    private func serve(_ connection: AsyncSocket) async {
        defer { try? connection.close() }
        guard places.take() else {
            _ = try? connection.socket.write(Data(Response(.unavailable, "too many connections").bytes))
            return
        }
        defer { places.giveBack() }
        do {
            switch await answer(on: connection) {
            case .whole(let response):
                try await write(response.bytes, to: connection)
                try await linger(connection)
            case .stream(let events):
                try await write(Response.eventStream.bytes, to: connection)
                for await event in events { try await write(event, to: connection) }
            }
        } catch {
            // The client is gone or does not read: closing is all that is left to do.
        }
    }

    private func answer(on connection: AsyncSocket) async -> Answer {
        do {
            return answer(try await within(limits.headTime) { try await readHead(from: connection) })
        } catch let refusal as Refusal {
            return .whole(Response(refusal))
        } catch is TooSlow {
            return .whole(Response(.timeout, "the request did not come to its end"))
        } catch {
            return .whole(Response(.badRequest, "the request cannot be read"))
        }
    }

    private func readHead(from connection: AsyncSocket) async throws -> RequestHead {
        var bytes: [UInt8] = []
        while true {
            let searched = max(0, bytes.count - RequestHead.end.count + 1)
            bytes += try await connection.read(atMost: 2048)
            if let end = bytes[searched...].firstRange(of: RequestHead.end) {
                return try RequestHead(String(decoding: bytes[..<end.lowerBound], as: UTF8.self))
            }
            guard bytes.count < RequestHead.longest else {
                throw Refusal(.headTooLarge, "expected at most \(RequestHead.longest) bytes of head")
            }
        }
    }

    private func write(_ bytes: [UInt8], to connection: AsyncSocket) async throws {
        try await within(limits.writeTime) { try await connection.write(Data(bytes)) }
    }

    /// Reads what the client still sends, a little of it: closing over unread bytes would take the response away from it.
    private func linger(_ connection: AsyncSocket) async throws {
        shutdown(connection.socket.file.rawValue, Int32(SHUT_WR))
        try await within(.seconds(1)) {
            for _ in 0..<16 { _ = try await connection.read(atMost: 4096) }
        }
    }
}

/// Counts who is being served.
private final class Places: Sendable {
    private let free: Mutex<Int>

    init(_ count: Int) { free = Mutex(count) }

    func take() -> Bool {
        free.withLock { free in
            guard free > 0 else { return false }
            free -= 1
            return true
        }
    }

    func giveBack() { free.withLock { $0 += 1 } }
}

private struct TooSlow: Error {}

/// Gives some work a time, and cancels it afterwards.
private func within<T: Sendable>(
    _ limit: Duration, _ work: @escaping @Sendable () async throws -> T
) async throws -> T {
    try await withThrowingTaskGroup(of: T?.self) { group in
        defer { group.cancelAll() }
        group.addTask { try await work() }
        group.addTask {
            try await Task.sleep(for: limit)
            return nil
        }
        guard let result = try await group.next() ?? nil else { throw TooSlow() }
        return result
    }
}
