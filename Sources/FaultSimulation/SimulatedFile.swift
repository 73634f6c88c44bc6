import MessageLog
import PromptAggregation

/// A file in memory. What was written and not synced is lost in part when the machine loses its power.
final class SimulatedFile: LogStorage {
    let path: String
    private(set) var isNew = true
    private let fuse: Fuse
    /// What a process reads.
    private var content: [UInt8] = []
    /// What is on the disk for certain.
    private var durable: [UInt8] = []
    private var unsynced: [Operation] = []
    /// Whether the directory entry is on the disk.
    private var isNameDurable = false
    /// A planted fault: syncs return at once and do nothing.
    private let ignoresSync: Bool

    private enum Operation {
        case write([UInt8], at: Int)
        case truncate(to: Int)
    }

    /// The unit in which a disk writes, in bytes.
    private static let sector = 512

    init(path: String, fuse: Fuse, ignoresSync: Bool) {
        self.path = path
        self.fuse = fuse
        self.ignoresSync = ignoresSync
    }

    /// For a process that finds the file there.
    func reopen() { isNew = false }

    /// Has the name of a file whose name is on the disk.
    func takePlace(of other: SimulatedFile) { isNameDurable = other.isNameDurable }

    // MARK: LogStorage

    /// A process that dies here leaves the bytes up to some length, as one that is killed within a long write does.
    func write(_ bytes: RawSpan, at offset: UInt64) throws(LogError) {
        let all = bytes.withUnsafeBytes { Array($0) }
        if fuse.burns() { throw dead("write to") }
        if fuse.burns() {
            apply(.write(Array(all.prefix(all.count / 2)), at: Int(offset)))
            throw dead("write to")
        }
        apply(.write(all, at: Int(offset)))
    }

    func synchronize() throws(LogError) {
        if fuse.burns() { throw dead("sync") }
        if !ignoresSync { settle() }
        if fuse.burns() { throw dead("sync") }
    }

    func synchronizeParent() throws(LogError) {
        if fuse.burns() { throw dead("sync the directory of") }
        isNameDurable = true
    }

    func truncate(to length: UInt64) throws(LogError) {
        if fuse.burns() { throw dead("truncate") }
        apply(.truncate(to: Int(length)))
    }

    func unlock() {}

    func map() throws(LogError) -> FileMap { FileMap(path: path, copying: content) }

    private func dead(_ operation: String) -> LogError {
        .system(operation: operation, path: path, code: 5, reason: "the simulated process is dead")
    }

    private func apply(_ operation: Operation) {
        Self.apply(operation, to: &content)
        unsynced.append(operation)
    }

    private func settle() {
        for operation in unsynced { Self.apply(operation, to: &durable) }
        unsynced.removeAll()
    }

    private static func apply(_ operation: Operation, to bytes: inout [UInt8]) {
        switch operation {
        case .truncate(let length): bytes.removeSubrange(min(length, bytes.count)...)
        case .write(let new, let offset):
            if bytes.count < offset + new.count {
                bytes.append(contentsOf: repeatElement(0, count: offset + new.count - bytes.count))
            }
            bytes.replaceSubrange(offset..<offset + new.count, with: new)
        }
    }

    // MARK: Losing power

    /// What the disk holds after a power failure: of the operations that were not synced the first few, and of the next
    /// one, if it is a write, its first sectors, with zeros where the file had grown already.
    /// - Returns: whether there is a file any more, and whether a write was torn.
    func losePower(_ random: inout SeededRandom) -> (remains: Bool, isTorn: Bool) {
        let whole = random.integer(in: 0...unsynced.count)
        for operation in unsynced.prefix(whole) { Self.apply(operation, to: &durable) }
        var isTorn = false
        if whole < unsynced.count, case .write(let bytes, let offset) = unsynced[whole] {
            isTorn = tear(bytes, at: offset, &random)
        }
        unsynced.removeAll()
        content = durable
        let remains = isNameDurable || random.chance(0.5)
        isNameDurable = remains
        return (remains, isTorn)
    }

    /// Changes a byte behind everybody's back.
    /// - Returns: whether there is one.
    func damage(_ random: inout SeededRandom) -> Bool {
        guard !durable.isEmpty else { return false }
        durable[random.integer(in: 0...durable.count - 1)] ^= 1 << UInt8(random.integer(in: 0...7))
        content = durable
        return true
    }

    /// What a process reads.
    var bytes: [UInt8] { content }

    private func tear(_ bytes: [UInt8], at offset: Int, _ random: inout SeededRandom) -> Bool {
        let end = offset + bytes.count
        let boundaries = Array(stride(from: (offset / Self.sector + 1) * Self.sector, to: end, by: Self.sector))
        let cut = random.pick([offset] + boundaries)
        var rest = Array(bytes.prefix(cut - offset))
        if random.chance(0.5) { rest += [UInt8](repeating: 0, count: end - cut) }
        Self.apply(.write(rest, at: offset), to: &durable)
        return !rest.isEmpty
    }
}
