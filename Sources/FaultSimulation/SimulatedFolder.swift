import MessageLog
import PromptAggregation
import RunLog

/// A folder of snapshots in memory. A power failure takes the last changes of names that were not synced, and what files
/// held that were not.
final class SimulatedFolder: SnapshotStorage {
    private struct Entry {
        var name: String
        var file: SimulatedFile
    }

    private let fuse: Fuse
    private let ignoresSync: Bool
    /// By name, ascending.
    private var files: [Entry] = []
    private var durable: [Entry] = []
    /// The files after each change since the last sync.
    private var unsynced: [[Entry]] = []
    /// Files that bytes went bad in.
    private(set) var damaged = 0

    init(fuse: Fuse, ignoresSync: Bool) {
        self.fuse = fuse
        self.ignoresSync = ignoresSync
    }

    func names() -> [String] { files.map(\.name) }

    func read(_ name: String) throws -> [UInt8] {
        guard let found = files.first(where: { $0.name == name }) else { throw LogError.missing(path: name) }
        return found.file.bytes
    }

    func write(_ snapshot: RunSnapshot, of size: Int, to name: String) throws {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        snapshot.write { bytes.append(contentsOf: $0) }
        let file = SimulatedFile(path: name, fuse: fuse, ignoresSync: ignoresSync)
        try change { $0 + [Entry(name: name, file: file)] }
        try file.write(bytes.span.bytes, at: 0)
        try file.synchronize()
    }

    func rename(_ name: String, to other: String) throws {
        let file = files.first { $0.name == name }?.file
        try change { files in files.filter { $0.name != name } + (file.map { [Entry(name: other, file: $0)] } ?? []) }
    }

    func remove(_ name: String) throws { try change { files in files.filter { $0.name != name } } }

    func synchronize() throws {
        try fuse.step()
        durable = files
        unsynced.removeAll()
    }

    private func change(_ edit: ([Entry]) -> [Entry]) throws {
        try fuse.step()
        var changed: [Entry] = []
        for entry in edit(files).reversed() where !changed.contains(where: { $0.name == entry.name }) {
            changed.append(entry)
        }
        files = changed.sorted { $0.name < $1.name }
        unsynced.append(files)
    }

    /// Now and then a byte of a snapshot goes bad as well: recovery has the log, and must notice.
    func losePower(_ random: inout SeededRandom) {
        let kept = random.integer(in: 0...unsynced.count)
        durable = kept == 0 ? durable : unsynced[kept - 1]
        files = durable
        unsynced.removeAll()
        for entry in files { _ = entry.file.losePower(&random) }
        guard !files.isEmpty, random.chance(0.1) else { return }
        if random.pick(files).file.damage(&random) { damaged += 1 }
    }
}
