import Glibc
import Synchronization
import ZeroMQTransport

/// An address of an ipc socket that nobody else uses.
func ipcEndpoint() -> String {
    "ipc:///tmp/impromptu-test-\(getpid())-\(UInt64.random(in: 0 ... .max)).sock"
}

/// Options under which a test never waits for peers that are gone.
var quick: SocketOptions {
    var options = SocketOptions()
    options.linger = .zero
    options.reconnectInterval = .milliseconds(10)
    return options
}

/// Sends, and tries again for a while where there is no room or no peer yet. False if it never went.
func insist(_ seconds: Int = 10, _ send: () throws -> Bool) rethrows -> Bool {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while true {
        if try send() { return true }
        if ContinuousClock.now > deadline { return false }
        usleep(500)
    }
}

/// Tries until it no longer throws: the library gives back the address and the place of a closed socket a little later,
/// from a thread of its own.
func retrying<Result>(isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result) async throws
    -> Result
{
    let deadline = ContinuousClock.now + .seconds(10)
    while true {
        do { return try await body() } catch  where ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(1))
        }
    }
}

/// A list that several threads write to.
final class Record<Element: Sendable>: Sendable {
    private let elements = Mutex<[Element]>([])

    func add(_ element: Element) { elements.withLock { $0.append(element) } }
    func add(contentsOf more: [Element]) { elements.withLock { $0.append(contentsOf: more) } }
    var all: [Element] { elements.withLock { $0 } }
    var count: Int { elements.withLock { $0.count } }

    /// Waits until there are `count` elements and returns what there is then, or after ten seconds.
    func wait(for count: Int) async throws -> [Element] {
        let deadline = ContinuousClock.now + .seconds(10)
        while self.count < count, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(1)) }
        return all
    }
}

/// Numbers of entries in a directory of /proc/self.
func countEntries(_ directory: String) -> Int {
    guard let stream = opendir(directory) else { return -1 }
    defer { closedir(stream) }
    var count = 0
    while readdir(stream) != nil { count += 1 }
    return count
}
