import Federation
import Foundation
import MessageLog
import PromptAggregation
import RunLog
import RunSettings
import TestSupport
import Testing

/// A log in several files: one run to all readers, each file a beginning of its own to recovery, and no step between two
/// files that a crash could lose anything at.
@Suite struct SegmentTests {
    private static let key = LogKey(seed: [UInt8](repeating: 3, count: 32))!

    /// A run of several segments.
    private func withSegments(
        closes: Bool = true, _ body: (RunFolder, [Int]) throws -> Void
    ) throws {
        try withTemporaryFolder { folder in
            let run = try ScriptedRun.write(
                to: folder, ["run.updates=120"], key: Self.key, starts: 2, closes: closes, segmentBytes: 100_000)
            let numbers = try run.segments()
            try #require(numbers.count > 3 && numbers == Array(1...numbers.count))
            try body(run, numbers)
        }
    }

    private struct Reading: Equatable {
        var digests: [Digest] = []
        var state: [UInt8]
        var history: [UInt8]
        var beginning: Replay.Beginning?

        init(_ path: String) throws {
            var (digests, history) = ([Digest](), RunHistory())
            let replay = try Replay(path: path) { step in
                history.take(step)
                guard case .checked(let publication) = step else { return }
                #expect(publication.isEqual)
                digests.append(publication.recorded)
            }
            self.digests = digests
            state = replay.aggregator!.snapshot()
            self.history = history.bytes
            beginning = replay.beginning
        }
    }

    @Test func theSameRunInOneFileAndInSeveral() throws {
        try withSegments { run, _ in
            try withTemporaryFolder { folder in
                let single = try ScriptedRun.write(to: folder, ["run.updates=120"], key: Self.key, starts: 2)
                #expect(try single.segments() == [1])
                #expect(try Reading(single.path) == Reading(run.path))
            }
            let checked = try Replay.checked(path: run.path) { _ in }.snapshots
            #expect(try checked.count == run.segments().count - 1 && checked.allSatisfy { $0.finding == .equal })
            let found = try LogVerification(log: run.path, trusted: [Self.key.publicKey])
            #expect(found.problem == nil && found.isClosed && found.firstRecord == 0)
            #expect(try found.segments == run.segments().count && found.signedRecords == found.records)
        }
    }

    @Test func recoveryNeedsTheLastSegmentAlone() throws {
        try withSegments(closes: false) { run, numbers in
            let whole = try Reading(run.path)
            for number in numbers.dropLast() { try run.removeSegment(number) }
            let recovery = try RunRecovery(folder: run)
            #expect(recovery.aggregator.snapshot() == whole.state && recovery.history.bytes == whole.history)
            #expect(recovery.words.contains("segment \(numbers.count) begins with"), "\(recovery.words)")
            #expect(recovery.replayedRecords < 200)
        }
    }

    /// What the program cannot use of the last segment it reads from the beginning of the log.
    @Test func aStateThatDoesNotGiveWhatWasLoggedIsPassedOver() throws {
        try withSegments(closes: false) { run, numbers in
            let whole = try Reading(run.path)
            let last = run.segment(numbers.count)
            var records = try LogForgery.records(of: last)
            // Behind the checksum of the snapshot's own bytes, so that it is no snapshot any more.
            let size = records[0].data.count
            records[0].data[size - 20] ^= 1
            records.removeAll { $0.topic == "/checkpoint" }
            try FileManager.default.removeItem(atPath: last)
            try LogForgery.write(records, to: last)
            let recovery = try RunRecovery(folder: run)
            #expect(recovery.passedOver.contains { $0.contains("segment \(numbers.count)") }, "\(recovery.passedOver)")
            #expect(recovery.aggregator.snapshot() == whole.state)
        }
    }

    @Test func aThinnedLogBeginsWithItsFirstState() throws {
        try withSegments { run, numbers in
            let whole = try Reading(run.path)
            let now = Timestamp(nanoseconds: 0)
            let (first, second) = (
                try removed(run, "log.keep_segments=2", at: now), try removed(run, "log.keep_segments=2", at: now)
            )
            #expect(try first == numbers.count - 2 && second == 0 && run.segments() == numbers.suffix(2))
            let rest = try Reading(run.path)
            let beginning = try #require(rest.beginning)
            #expect(beginning.segment == numbers.count - 1 && beginning.version > 0 && beginning.record > 50)
            #expect(rest.state == whole.state && rest.history == whole.history)
            #expect(Array(whole.digests.suffix(rest.digests.count)) == rest.digests)
            let found = try LogVerification(log: run.path, trusted: [Self.key.publicKey])
            #expect(found.problem == nil && found.isClosed && found.firstRecord == beginning.record)
            #expect(found.verdict.contains("from record \(beginning.record) on"), "\(found.verdict)")
            let error = #expect(throws: ReplayError.self) { try Replay(path: run.path, until: beginning.version) }
            #expect("\(error!)".contains("was removed"), "\(error!)")
            let alone = try Reading(run.segment(numbers.count))
            #expect(alone.state == whole.state && alone.beginning?.segment == numbers.count)
        }
    }

    @Test func segmentsAreRemovedBySizeAndByAge() throws {
        let now = Timestamp(nanoseconds: 0)
        try withSegments { run, numbers in
            #expect(try removed(run, "log.keep_segments=0", at: now) == 0)
            let bytes = try numbers.suffix(2).reduce(0) { try $0 + run.size(ofSegment: $1) }
            #expect(try removed(run, "log.keep_bytes=\(bytes)", at: now) == numbers.count - 2)
            #expect(try removed(run, "log.keep_bytes=1", at: now) == 1)
            #expect(try run.segments() == [numbers.count], "the last one stays")
        }
        try withSegments { run, numbers in
            let early = try removed(run, "log.keep_days=1", at: now + .seconds(86_400))
            let late = try removed(run, "log.keep_days=1", at: now + .seconds(2 * 86_400))
            #expect(early == 0 && late == numbers.count - 1)
        }
    }

    private func removed(_ run: RunFolder, _ rule: String, at time: Timestamp) throws -> Int {
        let rules = try RunConfiguration.load(files: [], environment: [:], assignments: [rule]).log
        return try SegmentUpkeep(of: run, by: rules).apply(at: time).removed
    }

    @Test func aSegmentThatIsMissingOrOfAnotherRunIsNamed() throws {
        try withSegments { run, numbers in
            let file = run.segment(3)
            let original = try Data(contentsOf: URL(filePath: file))
            try FileManager.default.removeItem(atPath: file)
            #expect(throws: ReplayError("\(run.path): segment 3 of the log is missing, and later ones are there")) {
                try Replay(path: run.path)
            }
            try FileManager.default.copyItem(atPath: run.segment(2), toPath: file)
            let twice = #expect(throws: ReplayError.self) { try Replay(path: run.path) }
            #expect("\(twice!)".contains("expected the beginning of segment 3, found that of segment 2"), "\(twice!)")
            try withTemporaryFolder { folder in
                let other = try ScriptedRun.write(
                    to: folder, ["run.updates=120", "run.seed=9"], key: Self.key, segmentBytes: 100_000)
                try FileManager.default.removeItem(atPath: file)
                try FileManager.default.copyItem(atPath: other.segment(3), toPath: file)
                let found = try LogVerification(log: run.path, trusted: [Self.key.publicKey])
                #expect(found.problem?.contains("\(file): record") == true, "\(String(describing: found.problem))")
            }
            try original.write(to: URL(filePath: file))
            #expect(try Reading(run.path).beginning == nil)
            try run.removeSegment(numbers.count)
            let cut = try LogVerification(log: run.path, trusted: [Self.key.publicKey])
            #expect(cut.problem == nil && !cut.isClosed && cut.lacksSegment && cut.verdict.contains("not there"))
        }
    }

    // MARK: Ends

    /// Every byte from the end of a segment that others follow back to its last chunk: cut off and changed.
    @Test func theEndOfAnEndedSegmentIsKnown() throws {
        try withSegments { run, _ in
            let file = run.segment(2)
            let original = try Data(contentsOf: URL(filePath: file))
            for offset in stride(from: original.count - 1, through: original.count - 3000, by: -1) {
                try original.prefix(offset).write(to: URL(filePath: file))
                try expectProblem(run, file, "cut at \(offset)")
                var flipped = original
                flipped[offset] ^= [0x01, 0x80, 0xFF][offset % 3]
                try flipped.write(to: URL(filePath: file))
                try expectProblem(run, file, "flipped at \(offset)")
            }
        }
    }

    private func expectProblem(_ run: RunFolder, _ file: String, _ what: Comment) throws {
        let found = try LogVerification(log: run.path, trusted: [Self.key.publicKey])
        #expect(found.problem?.contains(file) == true, what)
    }

    /// An aggregator that continues a log cuts off its torn end, whoever reads it: a reader ends as if nothing had happened.
    @Test func aSegmentThatIsCutOffWhileItIsReadIsReadToItsEnd() throws {
        func records(of path: String, meanwhile: () throws -> Void = {}) throws -> Int {
            var reader = try RunLogReader(path: path)
            try meanwhile()
            var count = 0
            while try reader.next() != nil { count += 1 }
            return count
        }
        try withSegments(closes: false) { run, numbers in
            for number in numbers.suffix(2) {
                let file = run.segment(number)
                let original = try Data(contentsOf: URL(filePath: file))
                let whole = try records(of: file)
                #expect(whole > 0 && original.count > 8192, "more than the pages that stay in reach")
                #expect(try records(of: file) { truncate(file, 0) } == whole)
                try original.write(to: URL(filePath: file))
            }
            let last = run.segment(numbers.count)
            let whole = try records(of: run.path)
            var reader = try RunLogReader(path: run.path)
            var count = 0
            while try reader.next() != nil {
                count += 1
                // By then the reader is in the last segment.
                if count == whole - 1 { truncate(last, 0) }
            }
            #expect(count == whole)
        }
    }

    /// Every byte of the last segment, which a process was writing: what is whole is continued, a segment that has no
    /// record yet gives way to the one before it, and whatever is found is what was logged.
    @Test func theEndOfTheLastSegmentIsContinued() throws {
        try withSegments(closes: false) { run, numbers in
            let file = run.segment(numbers.count)
            let original = try Data(contentsOf: URL(filePath: file))
            let before = run.segment(numbers.count - 1)
            let previous = try Data(contentsOf: URL(filePath: before))
            var states: [[UInt8]] = []
            _ = try Replay(RunLogReader(path: run.path)) { _ in
            } passed: {
                states.append($0.aggregator!.snapshot())
            }
            var fallbacks = 0
            // Each of the last bytes, and here and there in what lies before them.
            let places =
                Array(original.count - 1200..<original.count) + stride(from: 0, to: original.count - 1200, by: 997)
            for length in places {
                try original.prefix(length).write(to: URL(filePath: file))
                let recovery = try RunRecovery(folder: run)
                #expect(states.contains(recovery.aggregator.snapshot()), "cut at \(length)")
                fallbacks += FileManager.default.fileExists(atPath: file) ? 0 : 1
                try previous.write(to: URL(filePath: before))
            }
            #expect(fallbacks > 10)
            for offset in places {
                var flipped = original
                flipped[offset] ^= [0x01, 0x80, 0xFF][offset % 3]
                try flipped.write(to: URL(filePath: file))
                if let recovery = try? RunRecovery(folder: run) {
                    #expect(states.contains(recovery.aggregator.snapshot()), "flipped at \(offset)")
                }
                try previous.write(to: URL(filePath: before))
            }
        }
    }

    /// All checksums of the file are made again, so only the chain can show it.
    @Test(arguments: LogForgery.allCases) func everyChangeOfASegmentIsFound(_ forgery: LogForgery) throws {
        try withSegments { run, _ in
            let file = run.segment(2)
            let records = try LogForgery.records(of: file)
            for place in forgery.places(in: records) {
                try FileManager.default.removeItem(atPath: file)
                try forgery.write(records, changedAt: place, to: file)
                let found = try LogVerification(log: run.path, trusted: [Self.key.publicKey])
                #expect(found.problem != nil, "\(forgery) at record \(place) of the segment")
            }
        }
    }
}
