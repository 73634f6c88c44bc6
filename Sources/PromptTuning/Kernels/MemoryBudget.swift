import Synchronization

/// A bound on the memory that several caches use together.
public final class MemoryBudget: Sendable {
    /// 256 MiB.
    public static let standard = 1 << 28

    private let free: Mutex<Int>

    init(bytes: Int) { free = Mutex(bytes) }

    /// Counts a block of memory until it is freed.
    /// - Returns: nil where there is no room for it.
    func kept(_ memory: FloatMemory) -> KeptMemory? {
        let bytes = memory.count * MemoryLayout<Float>.stride
        let fits = free.withLock { free in
            guard bytes <= free else { return false }
            free -= bytes
            return true
        }
        return fits ? KeptMemory(memory, of: self) : nil
    }

    fileprivate func giveBack(_ bytes: Int) { free.withLock { $0 += bytes } }
}

/// Memory that is written no more and that a budget counts.
final class KeptMemory: Sendable {
    let memory: FloatMemory
    private let budget: MemoryBudget

    fileprivate init(_ memory: FloatMemory, of budget: MemoryBudget) {
        self.memory = memory
        self.budget = budget
    }

    deinit { budget.giveBack(memory.count * MemoryLayout<Float>.stride) }
}
