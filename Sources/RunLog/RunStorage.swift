import Files
import Foundation
import MessageLog

/// Where a run's log and snapshots lie: in its folder, or on a simulated disk. The log is a sequence of segments, numbered
/// from 1; the last one is written.
package protocol RunStorage {
    associatedtype Snapshots: SnapshotStorage
    var snapshots: Snapshots { get }
    /// Names the log in messages.
    var path: String { get }
    /// The numbers of the segments that are there, ascending.
    func segments() throws -> [Int]
    /// Opens a segment for its one writer.
    /// - Parameter marks: lengths of the segment that the writer reports the positions of.
    func openSegment(_ number: Int, _ mode: LogWriter.Mode, marks: [UInt64]) throws(LogError) -> LogWriter
    /// - Throws: `LogError.missing` where there is none.
    func readSegment(_ number: Int) throws(LogError) -> LogReader
    /// In bytes.
    func size(ofSegment number: Int) throws -> UInt64
    /// Replaces a closed segment by its compressed form. The old file stays until the new one is on the disk.
    /// - Returns: false for one that is compressed already.
    func compressSegment(_ number: Int) throws -> Bool
    /// Removes a segment and returns once its name is gone from the disk.
    func removeSegment(_ number: Int) throws
}

extension RunFolder: RunStorage {
    package var snapshots: SnapshotFiles { SnapshotFiles(path: snapshotsFolder) }

    package func segments() throws -> [Int] {
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        do {
            return try FileManager.default.contentsOfDirectory(atPath: path).compactMap(Self.segmentNumber).sorted()
        } catch {
            throw RunFolderError("\(path): cannot read the folder: \(error.localizedDescription)")
        }
    }

    package func openSegment(
        _ number: Int, _ mode: LogWriter.Mode, marks: [UInt64]
    ) throws(LogError) -> LogWriter {
        try LogWriter(path: segment(number), mode: mode, syncs: syncsLog, marks: marks)
    }

    package func readSegment(_ number: Int) throws(LogError) -> LogReader { try LogReader(path: segment(number)) }

    package func size(ofSegment number: Int) throws -> UInt64 {
        let size = try? FileManager.default.attributesOfItem(atPath: segment(number))[.size] as? UInt64
        guard let size else { throw LogError.missing(path: segment(number)) }
        return size
    }

    package func compressSegment(_ number: Int) throws -> Bool {
        let map = try FileMap(path: segment(number))
        guard !LogCompressor.isCompressed(map) else { return false }
        let partial = segment(number) + AtomicFile.unfinished
        // A crash may have left one behind.
        if FileManager.default.fileExists(atPath: partial) { try FileManager.default.removeItem(atPath: partial) }
        do {
            try LogCompressor.write(map, to: LogFile.create(partial, syncs: syncsLog))
            guard rename(partial, segment(number)) == 0 else {
                throw RunFolderError("\(segment(number)): cannot replace: \(String(cString: strerror(errno)))")
            }
        } catch {
            unlink(partial)
            throw error
        }
        if syncsLog { try Folder.synchronize(path) }
        return true
    }

    package func removeSegment(_ number: Int) throws {
        do {
            try FileManager.default.removeItem(atPath: segment(number))
        } catch {
            throw RunFolderError("\(segment(number)): cannot remove: \(error.localizedDescription)")
        }
        if syncsLog { try Folder.synchronize(path) }
    }
}
