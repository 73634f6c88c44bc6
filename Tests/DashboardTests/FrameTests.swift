import Dashboard
import FederationRun
import Foundation
import Logging
import Testing
import Text

/// What the page receives, and how it travels.
@Suite struct FrameTests {
    @Test func eachClientHasOneStateAndThoseThatNeedALookComeFirst() {
        var run = WatchedRun()
        for name in ["bad", "gone", "left", "quick", "slow"] { run.hello(name) }
        run.update(from: "bad", base: 0, samples: 0)
        run.update(from: "left", base: 0)
        run.update(from: "quick", base: 0)
        run.goodbye("left")
        // Everybody but one is heard of again.
        run.pass(.seconds(4))
        run.hello("slow")
        run.update(from: "quick", base: 1)
        run.pass(.seconds(6))

        let frame = Frame(run.figures, lines: [])
        #expect(frame.clients.map(\.id) == ["bad", "gone", "slow", "quick", "left"])
        #expect(frame.clients.map(\.state) == ["quarantined", "lost", "late", "idle", "departed"])
        #expect(frame.clientCount == 5 && frame.alive == 2 && frame.quarantined == 1 && frame.rejected == 1)
        let quick = frame.clients[3]
        #expect(quick.updates == 1 && quick.late == 0 && quick.lastStaleness == 0 && quick.meanStaleness == 0)
        #expect(frame.clients[2].updates == 0 && frame.clients[2].meanStaleness == nil)
        #expect(frame.clients[2].behind == 1 && frame.clients[4].behind == nil)
        #expect(frame.clients[1].heard > 10 && frame.clients[2].heard < 10)
    }

    @Test func aFrameStaysSmallHoweverLongTheRunAndManyTheClients() throws {
        #expect(Array(0..<400).evenlySpread(atMost: Frame.mostPoints) == Array(0..<400))
        let thinned = Array(0..<100_000).evenlySpread(atMost: Frame.mostPoints)
        #expect(thinned.count <= Frame.mostPoints && thinned.last == 99_999)
        #expect(Set(zip(thinned, thinned.dropFirst()).map { $1 - $0 }) == [250])
        #expect([Int]().evenlySpread(atMost: Frame.mostPoints) == [])

        var run = WatchedRun()
        for index in 0..<600 { run.hello("client-\(index)") }
        let frame = Frame(run.figures, lines: [])
        #expect(frame.clients.count == Frame.mostClients && frame.clientCount == 600)
        #expect(try frame.json().utf8.count < 100_000)
    }

    @Test func aClientsNameIsDataAndTheFrameOneLine() throws {
        let name = "</script><script>alert('\"\\\u{2028}\r\n\u{0}é')</script>"
        var run = WatchedRun()
        run.hello(name)
        let line = RecentLines.Line(milliseconds: 1, level: "info", text: "one\ntwo")
        let json = try Frame(run.figures, lines: [line]).json()
        #expect(json.utf8.allSatisfy { $0 >= 0x20 })
        let read = try #require(JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        let clients = try #require(read["clients"] as? [[String: Any]])
        #expect(clients[0]["id"] as? String == name)
        #expect((read["lines"] as? [[String: Any]])?[0]["text"] as? String == "one\ntwo")
    }

    @Test func everyLineOfAnEventIsData() {
        func text(_ data: String) -> String { String(decoding: EventStreams.event(id: 7, data: data), as: UTF8.self) }
        #expect(text("{}") == "id: 7\nretry: 2000\ndata: {}\n\n")
        #expect(text("a\nb\r\nid: 9\rc") == "id: 7\nretry: 2000\ndata: a\ndata: b\ndata: id: 9\ndata: c\n\n")
        #expect(text("a\u{2028}b") == "id: 7\nretry: 2000\ndata: a\u{2028}b\n\n")
        #expect(text("") == "id: 7\nretry: 2000\ndata: \n\n")
    }

    @Test func aStreamThatIsNotReadMissesTheOlderEvents() async throws {
        let streams = EventStreams(most: 1)
        let stream = try #require(streams.open(first: [0]))
        #expect(streams.open(first: [0]) == nil)
        for event in 1...1000 { streams.send([UInt8(event % 256)]) }
        var iterator = stream.makeAsyncIterator()
        #expect(await iterator.next() == [UInt8(1000 % 256)])
        streams.send([7])
        #expect(await iterator.next() == [7])

        let reader = Task { for await _ in stream {} }
        reader.cancel()
        await reader.value
        #expect(streams.count == 0)
        let another = try #require(streams.open(first: [1]))
        #expect(streams.count == 1)
        withExtendedLifetime(another) {}
    }

    @Test func theLastLinesOfTheLogAreKept() {
        let lines = RecentLines()
        var handler = lines.handler()
        handler[metadataKey: "b"] = "2"
        let logger = Logger(label: "test") { _ in handler }
        for index in 0..<150 { logger.info("line \(index)", metadata: ["a": "<script>"]) }
        logger.warning("\(String(repeating: "x", count: 10_000))")
        logger.debug("not kept")
        let all = lines.all
        #expect(all.count == RecentLines.most && all[0].text == "line 51 a=<script> b=2")
        #expect(all.last?.level == "warning" && all.last?.text.count == RecentLines.longest)
    }
}
