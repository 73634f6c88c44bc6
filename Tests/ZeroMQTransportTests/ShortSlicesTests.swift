import Foundation
import Testing
import ZeroMQTransport

/// On a kernel that does not know a thread's own slices every figure is 0.
@Suite struct ShortSlicesTests {
    private let short = ShortSlices.current == 0 ? 0 : ShortSlices.nanoseconds

    /// A loop's thread, ZeroMQ's of the sockets that it opens, and none that it starts later.
    @Test func loopsHaveThemAndWhatTheyStartLaterHasNot() async throws {
        let own = ShortSlices.current
        let loop = try PollLoop()
        let (first, early) = await on(loop) { (ShortSlices.current, Self.sliceOfNewThread()) }
        #expect(first == short && early == short)
        let pull = try Socket<Pull>(Context(), options: quick)
        let port = loop.receive(from: pull) { _ in }
        let (later, late) = await on(loop) { (ShortSlices.current, Self.sliceOfNewThread()) }
        #expect(later == short && late == own && (own == 0 || own > short))
        withExtendedLifetime(port) { loop.stopAndWait() }
    }

    private func on<Value: Sendable>(_ loop: PollLoop, _ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            loop.execute { continuation.resume(returning: body()) }
        }
    }

    private static func sliceOfNewThread() -> UInt64 {
        let found = Found()
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            found.slice = ShortSlices.current
            done.signal()
        }
        done.wait()
        return found.slice
    }

    /// Written before the semaphore is signalled, read behind it.
    private final class Found: @unchecked Sendable { var slice: UInt64 = 0 }
}
