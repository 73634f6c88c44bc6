import MessageLog
import PromptWire
import Text

/// What a log's checkpoints show about it: up to where it holds what the aggregator signed. It needs nothing but the log, and
/// runs no record through the core.
public struct LogVerification: Encodable, Sendable {
    public var log: String
    /// Records that were read.
    public var records = 0
    /// Those that a signature stands for: up to the last checkpoint.
    public var signedRecords = 0
    public var checkpoints = 0
    /// The keys that the log names, in hexadecimal, each once; empty for a log that is not signed.
    public var keys: [String] = []
    /// Whether these are among those that the caller trusts; else only the log says that they are the aggregator's.
    public var areKeysTrusted: Bool
    /// Whether the log was closed in order behind its last record.
    public var isClosed = false
    /// Bytes of a torn end.
    public var droppedBytes: UInt64 = 0
    /// Why the log is not what was signed from record `signedRecords` on, counted from 0; nil where it is.
    public var problem: String?

    /// Reads a log, which may be one that is being written.
    /// - Parameter trusted: public keys of the aggregator; empty to take the log's word for its key.
    /// - Throws: `LogError` where there is no log.
    public init(log path: String, trusted: [[UInt8]] = []) throws {
        self.init(try RunLogReader(path: path), trusted: trusted)
    }

    package init(_ reader: consuming RunLogReader, trusted: [[UInt8]]) {
        log = reader.path
        areKeysTrusted = !trusted.isEmpty
        do {
            try read(&reader, trusted: trusted)
        } catch {
            problem = "\(error)"
        }
    }

    private mutating func read(_ reader: inout RunLogReader, trusted: [[UInt8]]) throws {
        var key: [UInt8]?
        while let entry = try reader.next() {
            isClosed = false
            switch entry.record {
            case .epoch(let start):
                try accept(start.signingKey, after: key, trusted, record: records)
                key = start.signingKey
            case .checkpoint(let checkpoint):
                guard let key else {
                    throw ReplayError("record \(records): a checkpoint before the aggregator's start")
                }
                guard key.isEmpty || checkpoint.isSigned(by: key, at: entry.place) else {
                    let found = checkpoint.signature.isEmpty ? "none" : "another"
                    throw ReplayError(
                        "record \(records): expected a checkpoint with a signature of the key \(hexadecimal(key)), found"
                            + " \(found)")
                }
                checkpoints += 1
                signedRecords = records + 1
                isClosed = checkpoint.closing
            default: break
            }
            records += 1
        }
        droppedBytes = reader.droppedBytes
        if reader.end == .closed, !isClosed {
            throw ReplayError("the file was closed behind record \(records - 1), which is no closing checkpoint")
        }
    }

    /// Takes the key that a start of the aggregator names.
    private mutating func accept(_ key: [UInt8], after last: [UInt8]?, _ trusted: [[UInt8]], record: Int) throws {
        let name = key.isEmpty ? "no key" : "the key \(hexadecimal(key))"
        guard trusted.isEmpty || trusted.contains(key) else {
            throw ReplayError(
                "record \(record): the aggregator's start names \(name), expected "
                    + trusted.map(hexadecimal).joined(separator: " or "))
        }
        guard !trusted.isEmpty || last == nil || last == key else {
            throw ReplayError(
                "record \(record): the aggregator's start names \(name), another than the start before it; --public-key"
                    + " for each says that both are the aggregator's")
        }
        if !key.isEmpty, !keys.contains(hexadecimal(key)) { keys.append(hexadecimal(key)) }
    }

    /// The verdict in a sentence.
    public var verdict: String {
        let isSigned = !keys.isEmpty
        let word = isSigned ? "signed" : "chained"
        if let problem {
            return signedRecords == 0
                ? "NOT WHAT WAS SIGNED: nothing of it is shown to be: \(problem)"
                : "NOT WHAT WAS SIGNED from record \(signedRecords) on, the first \(signedRecords) are: \(problem)"
        }
        if isClosed { return "whole: all \(records) records are as they were \(word), and the log was closed in order" }
        let rest = records - signedRecords
        return "unfinished: the first \(signedRecords) records are as they were \(word), "
            + (rest == 0 ? "and none follow" : "the \(rest) behind them not yet")
            + "; the aggregator is at work, was cut short, or the rest was cut off"
    }
}
