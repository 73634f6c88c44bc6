import Federation
import PromptAggregation
import PromptWire

/// A client's update as bytes, with gaps for task and base version: encoding each update would cost a benchmark as much
/// as what it measures.
struct UpdateTemplate: Sendable {
    private(set) var bytes: [UInt8]
    private let task: Range<Int>
    private let base: Range<Int>

    /// Numbers whose varints are long and occur nowhere else.
    private static let anyTask: UInt64 = 0x2A6F_31C5_9D44_E817
    private static let anyBase = 0x5A_31C5_9D44

    /// - Parameter state: its values are the update's.
    init(client: ClientID, run: UInt64, state: PromptState) {
        bytes = LoadedAggregator.update(
            by: client, run: run, task: Self.anyTask, base: Self.anyBase, state: state)
        task = Self.place(of: Self.anyTask, in: bytes)
        base = Self.place(of: Self.signed(Self.anyBase), in: bytes)
    }

    /// The bytes for a task. They are changed in place, so who lets go of them before the next task pays for no copy.
    mutating func answer(to order: AggregatorMessage.Task) -> [UInt8] {
        bytes.replaceSubrange(task, with: Varint.bytes(order.number, length: task.count))
        bytes.replaceSubrange(base, with: Varint.bytes(Self.signed(order.version), length: base.count))
        return bytes
    }

    private static func place(of number: UInt64, in bytes: [UInt8]) -> Range<Int> {
        let pattern = Varint.bytes(number)
        let start = bytes.indices.first { bytes[$0...].starts(with: pattern) }!
        return start..<start + pattern.count
    }

    /// As protobuf writes a number of type sint64 that is not negative.
    private static func signed(_ number: Int) -> UInt64 { UInt64(number) << 1 }
}
