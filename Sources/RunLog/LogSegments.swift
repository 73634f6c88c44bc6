import Files
import Foundation
import MessageLog

/// The segments of a log that somebody reads one after the other, from the first that is there or a later one.
package struct LogSegments {
    /// Names the log in messages.
    let path: String
    /// Those that are still to be read, ascending without gaps.
    private(set) var numbers: [Int]
    private let open: (Int) throws(LogError) -> LogReader

    /// - Parameter first: the number of the first that is read; nil for the first that is there.
    /// - Throws: `LogError.missing` where there is none, `ReplayError` where one in between is missing.
    package init(of storage: some RunStorage, from first: Int? = nil) throws {
        try self.init(of: storage, from: first) { number throws(LogError) in try storage.readSegment(number) }
    }

    private init(
        of storage: some RunStorage, from first: Int?, open: @escaping (Int) throws(LogError) -> LogReader
    ) throws {
        let numbers = try storage.segments().filter { $0 >= first ?? 0 }
        self.init(path: storage.path, numbers: numbers, open: open)
        guard let first = numbers.first else { throw LogError.missing(path: path) }
        if let gap = (first...).prefix(numbers.count).first(where: { !numbers.contains($0) }) {
            throw ReplayError("\(path): segment \(gap) of the log is missing, and later ones are there")
        }
    }

    /// The segments of a run folder, or the one that a file holds, for who is not the log's writer: an aggregator may
    /// continue it at any time, and cuts off a torn end of the last segment then, or of the one before where the last holds
    /// no record yet.
    package init(path: String) throws {
        if Folder.exists(path) {
            let folder = RunFolder(path: path)
            let mayBeCut = try folder.segments().suffix(2)
            try self.init(of: folder, from: nil) { number throws(LogError) in
                mayBeCut.contains(number)
                    ? try LogReader(copyOf: folder.segment(number)) : try folder.readSegment(number)
            }
        } else {
            let number = RunFolder.segmentNumber(of: (path as NSString).lastPathComponent)
            self.init(path: path, numbers: [number ?? Self.unnumbered]) { _ throws(LogError) in
                try LogReader(copyOf: path)
            }
        }
    }

    private init(path: String, numbers: [Int], open: @escaping (Int) throws(LogError) -> LogReader) {
        self.path = path
        self.numbers = numbers
        self.open = open
    }

    /// Of a file whose name does not say which segment it is.
    static let unnumbered = 0

    /// Opens the first of those that were not read, which counts as read from then on.
    /// - Precondition: there is one.
    mutating func openNext() throws(LogError) -> LogReader { try open(numbers.removeFirst()) }
}
