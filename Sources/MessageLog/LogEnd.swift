/// How a log ends.
public enum LogEnd: Equatable, Sendable {
    /// It was finished in order.
    case closed
    /// It ends right after a chunk: a writer still has it open, or was stopped between two commits.
    case open
    /// A write was cut short. What lies from `atOffset` on is no whole record; `droppedBytes` of it are ignored.
    case tornTail(atOffset: UInt64, droppedBytes: UInt64)
}
