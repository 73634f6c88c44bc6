import MessageLog
import PromptWire
import Text

/// What a log's checkpoints show about it: up to where it holds what the aggregator signed. It needs nothing but the log, and
/// runs no record through the core.
public struct LogVerification: Encodable, Sendable {
    public var log: String
    /// Records of the log, from its first one on.
    public var records = 0
    /// The first of them that is there: earlier ones were removed with their segments.
    public var firstRecord = 0
    /// The segments that were read.
    public var segments = 0
    /// Those that a signature stands for: up to the last checkpoint.
    public var signedRecords = 0
    public var checkpoints = 0
    /// The keys that the log names, in hexadecimal, each once; empty for a log that is not signed.
    public var keys: [String] = []
    /// Whether these are among those that the caller trusts; else only the log says that they are the aggregator's.
    public var areKeysTrusted: Bool
    /// Whether the log was closed in order behind its last record.
    public var isClosed = false
    /// Whether the last checkpoint says that another segment follows, which is not there.
    public var lacksSegment = false
    /// Bytes of a torn end.
    public var droppedBytes: UInt64 = 0
    /// Why the log is not what was signed from record `signedRecords` on, counted from 0, with the segment's file; nil where
    /// it is.
    public var problem: String?

    /// Reads a log, which may be one that is being written.
    /// - Parameters:
    ///   - path: a run folder, or the file of one segment.
    ///   - trusted: public keys of the aggregator; empty to take the log's word for its key.
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
        var endsInSetting = false
        while let entry = try reader.next() {
            (isClosed, lacksSegment, endsInSetting) = (false, false, false)
            if segments == 0 {
                segments = 1
                (firstRecord, records, signedRecords) = (entry.number, entry.number, entry.number)
            } else if case .segment = entry.record {
                segments += 1
            }
            switch entry.record {
            case .epoch(let start):
                try accept(start.signingKey, after: key, trusted, entry)
                key = start.signingKey
            case .segment(let segment):
                try accept(segment.start.signingKey, after: key, trusted, entry)
                key = segment.start.signingKey
            case .checkpoint(let checkpoint):
                guard let key else {
                    throw ReplayError("\(entry.words): a checkpoint before the aggregator's start")
                }
                guard key.isEmpty || checkpoint.isSigned(by: key, at: entry.place) else {
                    let found = checkpoint.signature.isEmpty ? "none" : "another"
                    throw ReplayError(
                        "\(entry.words): expected a checkpoint with a signature of the key \(hexadecimal(key)), found"
                            + " \(found)")
                }
                checkpoints += 1
                signedRecords = records + 1
                isClosed = checkpoint.end == .closing
                lacksSegment = checkpoint.end == .continued
            // One that 'impromptu set' made while no aggregator was at work, and so nobody with its key.
            case .setting: endsInSetting = true
            default: break
            }
            records += 1
        }
        droppedBytes = reader.droppedBytes
        guard records > firstRecord || droppedBytes > UInt64(LogFormat.magic.count) else {
            throw ReplayError(
                "expected the aggregator's start as the first record, found no record: the log was emptied")
        }
        if reader.end == .closed, !isClosed, !lacksSegment, !endsInSetting {
            throw ReplayError(
                "the file was closed behind record \(records - 1), which is no closing checkpoint and no setting")
        }
    }

    /// Takes the key that a start of the aggregator names.
    private mutating func accept(
        _ key: [UInt8], after last: [UInt8]?, _ trusted: [[UInt8]], _ entry: RunLogEntry
    ) throws {
        let name = key.isEmpty ? "no key" : "the key \(hexadecimal(key))"
        guard trusted.isEmpty || trusted.contains(key) else {
            throw ReplayError(
                "\(entry.words): the aggregator's start names \(name), expected "
                    + trusted.map(hexadecimal).joined(separator: " or "))
        }
        guard !trusted.isEmpty || last == nil || last == key else {
            throw ReplayError(
                "\(entry.words): the aggregator's start names \(name), another than the start before it; --public-key"
                    + " for each says that both are the aggregator's")
        }
        if !key.isEmpty, !keys.contains(hexadecimal(key)) { keys.append(hexadecimal(key)) }
    }

    /// The verdict in a sentence.
    public var verdict: String {
        let isSigned = !keys.isEmpty
        let word = isSigned ? "signed" : "chained"
        let known = signedRecords - firstRecord
        if let problem {
            return known == 0
                ? "NOT WHAT WAS SIGNED: nothing of it is shown to be: \(problem)"
                : "NOT WHAT WAS SIGNED from record \(signedRecords) on, \(first(known)) are: \(problem)"
        }
        if isClosed {
            let all = firstRecord == 0 ? "whole: all \(records)" : "whole from record \(firstRecord) on: all"
            return "\(all) records are as they were \(word), and the log was closed in order"
        }
        let rest = records - signedRecords
        let behind = rest == 0 ? "and none follow" : "the \(rest) behind them not yet"
        let what = lacksSegment ? "and the segment that follows is not there" : behind
        return "unfinished: \(first(known)) records are as they were \(word), "
            + what + "; the aggregator is at work, was cut short, or the rest was cut off"
    }

    private func first(_ count: Int) -> String {
        firstRecord == 0 ? "the first \(count)" : "the \(count) from record \(firstRecord) on"
    }
}

extension RunLogEntry {
    /// Names the record.
    fileprivate var words: String { "\(file): record \(number)" }
}
