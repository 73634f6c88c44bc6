import Files
import Foundation
import Text

/// Where a run keeps its files.
public struct RunFolder: Sendable {
    public let path: String
    /// False for a simulation: no client relies on what its log holds, and waiting for the disk would be most of its time.
    package var syncsLog = true

    public init(path: String) { self.path = path }

    /// What names the log to whoever reads it: the folder that its segments lie in.
    public var log: String { path }
    /// A segment of the log, counted from 1.
    public func segment(_ number: Int) -> String { "\(path)/\(Self.name(ofSegment: number))" }
    public var configuration: String { path + "/config.yaml" }
    /// The folder of the snapshots that recovery starts from.
    public var snapshotsFolder: String { path + "/snapshots" }
    /// The newest state, with its position in the log.
    public var prompts: String { path + "/prompts.safetensors" }
    /// The model that the run tunes (`ModelDescription`).
    public var model: String { path + "/model.json" }
    /// A row a version.
    public var metrics: String { path + "/metrics.csv" }
    /// A row an evaluation on the validation split.
    public var evaluations: String { path + "/evaluations.csv" }
    /// A row an evaluation on the test split, of a simulation that was asked for them.
    public var testEvaluations: String { path + "/test-evaluations.csv" }
    public var report: String { path + "/report.svg" }

    /// Where the aggregator can be reached (`Rendezvous`): a configuration that workers can be started with.
    public var endpoints: String { path + "/endpoints.yaml" }

    /// Makes the folder, durably, unless it is there.
    public func create() throws {
        do {
            try Folder.make(path)
        } catch  where error.code == ENOTDIR {
            throw RunFolderError("\(path): expected a folder, or a path to make one at, found a file")
        } catch {
            throw RunFolderError("\(path): cannot make the run folder: \(error.reason)")
        }
    }

    /// Replaces a file by a text; a reader finds the old one or the new one, never a part.
    /// - Throws: `RunFolderError`.
    public func write(_ text: String, to file: String) throws {
        do {
            try AtomicFile.replace(file, with: text.utf8)
        } catch {
            throw RunFolderError("\(file): cannot write: \(error.reason)")
        }
    }

    /// Writes a value as JSON that people can read.
    package func write(json value: some Encodable, to file: String) throws {
        try write(value.json(isPretty: true) + "\n", to: file)
    }

    /// The folder of a run whose log somebody names: by the folder, or by a segment.
    package init(ofLog log: String) { self.init(path: Self.folder(ofLog: log)) }

    /// The path of the folder of a run whose log somebody names.
    public static func folder(ofLog log: String) -> String {
        Folder.exists(log) ? log : URL(fileURLWithPath: log).deletingLastPathComponent().path
    }

    /// Whether a segment of a log is there.
    public var hasLog: Bool { (try? segments())?.isEmpty == false }

    private static let (beginning, ending) = ("run-", ".mcap")

    private static func name(ofSegment number: Int) -> String {
        let digits = "\(number)"
        return beginning + String(repeating: "0", count: max(0, 6 - digits.count)) + digits + ending
    }

    /// The number of the segment that a file holds by its name; nil for any other file.
    package static func segmentNumber(of name: String) -> Int? {
        guard name.hasPrefix(beginning), name.hasSuffix(ending),
            let number = Int(name.dropFirst(beginning.count).dropLast(ending.count)), number > 0,
            name == Self.name(ofSegment: number)
        else { return nil }
        return number
    }
}

/// What cannot be kept in a run folder, and why.
public struct RunFolderError: Error, CustomStringConvertible, Equatable {
    public let description: String
    public init(_ description: String) { self.description = description }
}

extension RunFolder {
    /// A folder of its own below `runs`, named by the time.
    public static func newPath(named name: String) -> String {
        let formatter = DateFormatter()
        formatter.dateFormat = "yyyyMMdd-HHmmss"
        formatter.locale = Locale(identifier: "en_US_POSIX")
        return "runs/\(name)-\(formatter.string(from: Date()))"
    }
}
