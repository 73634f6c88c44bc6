import MessageLog
import PromptAggregation
import RunLog

/// The disk of the simulated aggregator, with the log of one run and its snapshots.
final class SimulatedDisk: RunStorage {
    let path = "run"
    let snapshots: SimulatedFolder
    private let fuse: Fuse
    private let ignoresSync: Bool
    /// By their numbers.
    private var files: [Int: SimulatedFile] = [:]
    /// What retention has removed, for whoever judges the whole run.
    private var archive: [Int: SimulatedFile] = [:]
    /// Removed, but its name may still be on the disk.
    private var goingAway: Int?
    /// Replaced by another file, but its name may still be the one on the disk.
    private var replaced: (number: Int, file: SimulatedFile)?
    private(set) var tornWrites = 0

    init(fuse: Fuse, ignoresSync: Bool) {
        self.fuse = fuse
        self.ignoresSync = ignoresSync
        snapshots = SimulatedFolder(fuse: fuse, ignoresSync: ignoresSync)
    }

    func segments() -> [Int] { files.keys.sorted() }

    func openSegment(_ number: Int, _ mode: LogWriter.Mode, marks: [UInt64]) throws(LogError) -> LogWriter {
        if let file = files[number] {
            guard mode != .create else { throw .exists(path: file.path) }
            file.reopen()
            return try LogWriter(file, marks: marks)
        }
        guard mode != .continue else { throw .missing(path: name(number)) }
        let file = SimulatedFile(path: name(number), fuse: fuse, ignoresSync: ignoresSync)
        files[number] = file
        return try LogWriter(file)
    }

    func readSegment(_ number: Int) throws(LogError) -> LogReader { try LogReader(found(number).map()) }

    func size(ofSegment number: Int) throws -> UInt64 { UInt64(try found(number).bytes.count) }

    func compressSegment(_ number: Int) throws -> Bool {
        let old = try found(number)
        let map = try old.map()
        guard !LogCompressor.isCompressed(map) else { return false }
        let new = SimulatedFile(path: name(number), fuse: fuse, ignoresSync: ignoresSync)
        try LogCompressor.write(map, to: new)
        try fuse.step()
        new.takePlace(of: old)
        files[number] = new
        replaced = (number, old)
        try fuse.step()
        replaced = nil
        return true
    }

    func removeSegment(_ number: Int) throws {
        try fuse.step()
        if number < files.keys.max() ?? 0 { archive[number] = files[number] }
        files[number] = nil
        goingAway = number
        try fuse.step()
        goingAway = nil
    }

    private func found(_ number: Int) throws(LogError) -> SimulatedFile {
        guard let file = files[number] else { throw .missing(path: name(number)) }
        return file
    }

    private func name(_ number: Int) -> String { "\(path)/\(number)" }

    func losePower(_ random: inout SeededRandom) {
        snapshots.losePower(&random)
        if let number = goingAway, let file = archive[number], random.chance(0.5) { files[number] = file }
        goingAway = nil
        if let (number, file) = replaced, random.chance(0.5) { files[number] = file }
        replaced = nil
        for number in segments() {
            let (remains, isTorn) = files[number]!.losePower(&random)
            if isTorn { tornWrites += 1 }
            if !remains { files[number] = nil }
        }
    }

    /// The log with what was removed of it.
    var whole: Whole { Whole(disk: self) }

    struct Whole: RunStorage {
        fileprivate let disk: SimulatedDisk
        var path: String { disk.path }
        var snapshots: SimulatedFolder { disk.snapshots }

        func segments() -> [Int] { Set(disk.files.keys).union(disk.archive.keys).sorted() }
        func openSegment(_ number: Int, _ mode: LogWriter.Mode, marks: [UInt64]) throws(LogError) -> LogWriter {
            try disk.openSegment(number, mode, marks: marks)
        }
        func readSegment(_ number: Int) throws(LogError) -> LogReader {
            if disk.files[number] == nil, let file = disk.archive[number] { return try LogReader(file.map()) }
            return try disk.readSegment(number)
        }
        func size(ofSegment number: Int) throws -> UInt64 { try disk.size(ofSegment: number) }
        func compressSegment(_ number: Int) throws -> Bool { try disk.compressSegment(number) }
        func removeSegment(_ number: Int) throws { try disk.removeSegment(number) }
    }
}
