import Foundation
import ZeroMQTransport

/// A connection of somebody to the relay, and the relay's own one to the aggregator for it: what one side says the other
/// gets, bytes as they come. What a side does not take yet is at most one read, and meanwhile nothing more is read for it.
final class RelayedConnection {
    /// Which of the two.
    enum Side: Int {
        case near, far
        var other: Side { self == .near ? .far : .near }
    }

    private struct End {
        let descriptor: Int32
        /// What is waited for at it.
        var awaited: UInt32 = 0
        /// It says nothing more.
        var hasEnded = false
        /// Its input has been ended.
        var isShut = false
        /// Bytes that it did not take yet.
        var waiting: ArraySlice<UInt8> = []
    }

    let number: UInt64
    private var ends: [End]
    private let set: ReadinessSet
    private var isConnected = false
    private(set) var relayedBytes = 0

    /// The most bytes that one turn takes from a side, so that others get theirs.
    private static let turn = 256 << 10

    /// - Parameters:
    ///   - number: names it among those of the set; its tokens are twice the number, and one more.
    ///   - near: whoever connected to the relay; `far`: on its way to the aggregator. It closes both.
    init(number: UInt64, near: Int32, far: Int32, set: ReadinessSet) {
        self.number = number
        self.set = set
        ends = [End(descriptor: near), End(descriptor: far)]
        awaitWhatIsWanted()
    }

    deinit { for end in ends { Foundation.close(end.descriptor) } }

    /// Does what can be done at a side that is ready.
    /// - Returns: whether the connection continues.
    func handle(_ side: Side, scratch: UnsafeMutableRawBufferPointer) -> Bool {
        if !isConnected {
            guard hasConnected() else { return false }
            isConnected = true
        } else {
            guard flush(to: side), pump(from: side, scratch) else { return false }
        }
        awaitWhatIsWanted()
        return !ends.allSatisfy(\.isShut)
    }

    /// Takes both sides out of the set. Without an orderly end on both they see a reset, so that nobody takes the part
    /// that arrived for the whole.
    func cancel() {
        for side in [Side.near, .far] {
            change(side, to: 0)
            guard !ends.allSatisfy(\.isShut) else { continue }
            var abrupt = linger(l_onoff: 1, l_linger: 0)
            setsockopt(
                ends[side.rawValue].descriptor, SOL_SOCKET, SO_LINGER, &abrupt, socklen_t(MemoryLayout<linger>.size))
        }
    }

    private func hasConnected() -> Bool {
        var failure: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(ends[Side.far.rawValue].descriptor, SOL_SOCKET, SO_ERROR, &failure, &size) == 0
            && failure == 0
    }

    /// Passes on what a side has said. False if the connection is broken.
    private func pump(from side: Side, _ scratch: UnsafeMutableRawBufferPointer) -> Bool {
        var taken = 0
        while !ends[side.rawValue].hasEnded, ends[side.other.rawValue].waiting.isEmpty, taken < Self.turn {
            let count = recv(ends[side.rawValue].descriptor, scratch.baseAddress, scratch.count, 0)
            if count > 0 {
                taken += count
                relayedBytes += count
                guard let sent = send(UnsafeRawBufferPointer(rebasing: scratch[..<count]), to: side.other) else {
                    return false
                }
                if sent < count { ends[side.other.rawValue].waiting = ArraySlice(scratch[sent..<count]) }
            } else if count == 0 {
                ends[side.rawValue].hasEnded = true
                shutIfDone(side.other)
            } else if errno != EINTR {
                return errno == EAGAIN
            }
        }
        return true
    }

    /// Sends a side what it did not take before. False if the connection is broken.
    private func flush(to side: Side) -> Bool {
        guard !ends[side.rawValue].waiting.isEmpty else { return true }
        let waiting = ends[side.rawValue].waiting
        guard let sent = waiting.withUnsafeBytes({ send($0, to: side) }) else { return false }
        ends[side.rawValue].waiting = waiting.dropFirst(sent)
        if ends[side.rawValue].waiting.isEmpty { ends[side.rawValue].waiting = [] }
        shutIfDone(side)
        return true
    }

    /// How many bytes a side took, nil if it takes none any more.
    private func send(_ bytes: UnsafeRawBufferPointer, to side: Side) -> Int? {
        while true {
            let sent = Foundation.send(
                ends[side.rawValue].descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            if sent >= 0 { return sent }
            if errno == EAGAIN { return 0 }
            if errno != EINTR { return nil }
        }
    }

    /// Ends a side's input once it has received everything.
    private func shutIfDone(_ side: Side) {
        guard ends[side.other.rawValue].hasEnded, ends[side.rawValue].waiting.isEmpty, !ends[side.rawValue].isShut
        else { return }
        ends[side.rawValue].isShut = true
        shutdown(ends[side.rawValue].descriptor, Int32(SHUT_WR))
    }

    private func awaitWhatIsWanted() {
        guard isConnected else { return change(.far, to: ReadinessSet.writable) }
        for side in [Side.near, .far] {
            let end = ends[side.rawValue]
            let reads = !end.hasEnded && ends[side.other.rawValue].waiting.isEmpty
            change(
                side,
                to: (reads ? ReadinessSet.readable : 0) | (end.waiting.isEmpty ? 0 : ReadinessSet.writable))
        }
    }

    private func change(_ side: Side, to awaited: UInt32) {
        let end = ends[side.rawValue]
        set.change(end.descriptor, from: end.awaited, to: awaited, token: number * 2 + UInt64(side.rawValue))
        ends[side.rawValue].awaited = awaited
    }
}
