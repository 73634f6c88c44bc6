import MessageLog
import Testing

/// A log is read on from any of its commits, and a position is only valid in the log that it was taken in.
@Suite struct PositionTests {
    private func messages(_ reader: consuming LogReader) throws(LogError) -> [Entry] {
        var entries: [Entry] = []
        while let message = try reader.next() {
            entries.append(Entry(topic: message.topic, logTime: message.logTime, data: message.data.bytes))
        }
        return entries
    }

    @Test func aLogIsReadOnFromEachOfItsCommits() throws {
        let scratch = try Scratch()
        let path = scratch.path("a.mcap")
        var script: LogScript? = try LogScript.small(path, close: false)
        let (commits, entries) = (script!.commits, script!.entries)
        let last = script!.writer.position
        #expect(last?.length == commits.last?.length && last?.messageCount == 9)
        try script!.append("updates", [1], logTime: 9_000)
        #expect(script!.writer.position == nil, "what waits for a commit is behind no place")
        script = nil
        let marks = commits.map(\.length)
        let writer = try LogWriter(path: path, mode: .continue, marks: marks + [marks[1] + 1, 1 << 40])
        // Nothing but the opening lies before the first commit.
        #expect(writer.positions.map(\.length) == Array(marks.dropFirst()))
        #expect(writer.positions.last == last)
        for (position, commit) in zip(writer.positions, commits.dropFirst()) {
            #expect(try messages(writer.reader(from: position)) == Array(entries.dropFirst(commit.count)))
        }
        var reader = try writer.reader(from: writer.positions[0])
        let first = try #require(try reader.next())
        #expect(first.sequence == 4 && first.chunk == 1)
    }

    @Test func whatIsWrittenOnIsReadOn() throws {
        let scratch = try Scratch()
        let path = scratch.path("a.mcap")
        let length = try LogScript.small(path, close: true).commits[2].length
        var script = try LogScript(LogWriter(path: path, mode: .continue, marks: [length]))
        try script.append("events", [7, 7], logTime: 5_000)
        try script.append("new", [8], logTime: 5_001)
        try script.commit()
        let position = try #require(script.writer.positions.first)
        let entries = try messages(script.writer.reader(from: position))
        #expect(entries.count == 5 && Array(entries.suffix(2)) == script.entries)
    }

    @Test func aPlaceNamesWhatLiesBeforeIt() throws {
        let scratch = try Scratch()
        var places: [LogPosition] = []
        for (name, byte) in [("a", 1), ("b", 1), ("c", 2)] as [(String, UInt8)] {
            var script = try LogScript(scratch.path(name))
            try script.append("updates", [byte, 9], logTime: 5)
            try script.commit()
            places.append(try #require(script.writer.position))
        }
        #expect(places[0] == places[1])
        #expect(places[0].length == places[2].length && places[0] != places[2])
    }
}
