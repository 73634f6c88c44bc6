import MessageLog
import PromptAggregation

/// The snapshots of a run: the newest and the one before it.
package struct SnapshotShelf {
    /// A file that may hold a snapshot.
    package struct Found {
        package var name: String
        /// In bytes.
        package var size = 0
        /// Where what it holds belongs, or why it cannot be read.
        package var mark: Result<RunSnapshot.Mark, any Error>
        /// Reads it again each time: of large states no more are in memory than somebody looks at.
        package var load: () throws -> RunSnapshot
    }

    private let storage: any SnapshotStorage
    /// The newest that is known to be good.
    package private(set) var newest: String?

    private static let ending = ".snapshot"
    private static let unfinished = "unfinished"

    /// - Parameter newest: the one that recovery started from.
    package init(_ storage: any SnapshotStorage, newest: String? = nil) {
        self.storage = storage
        self.newest = newest
    }

    /// All that lie there, the one that reaches furthest first.
    package func read() throws -> [Found] {
        let names = try storage.names().filter { $0.hasSuffix(Self.ending) }.sorted(by: >)
        return names.map { [storage] name in
            let load = { try RunSnapshot(storage.read(name)) }
            do {
                let bytes = try storage.read(name)
                return Found(
                    name: name, size: bytes.count, mark: Result { try RunSnapshot(bytes).mark }, load: load)
            } catch {
                return Found(name: name, mark: .failure(error), load: load)
            }
        }
    }

    /// Keeps a snapshot. A crash on the way leaves it whole or not there, and those before it as they were. Only it and
    /// the newest good one before it stay.
    /// - Returns: the file's size in bytes.
    @discardableResult
    package mutating func add(_ snapshot: RunSnapshot) throws -> Int {
        let size = snapshot.size
        let name = Self.name(of: snapshot)
        guard name != newest else { return size }
        do {
            try storage.write(snapshot, of: size, to: Self.unfinished)
            try storage.rename(Self.unfinished, to: name)
        } catch {
            try? storage.remove(Self.unfinished)
            throw error
        }
        try storage.synchronize()
        let kept = [name, newest]
        newest = name
        for other in try storage.names() where other.hasSuffix(Self.ending) && !kept.contains(other) {
            try storage.remove(other)
        }
        return size
    }

    /// Names sort as their snapshots do.
    private static func name(of snapshot: RunSnapshot) -> String {
        let digits = "\(snapshot.length)"
        return String(repeating: "0", count: max(0, 20 - digits.count)) + digits + ending
    }
}
