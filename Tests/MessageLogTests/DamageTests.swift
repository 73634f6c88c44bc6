import Glibc
import MessageLog
import Testing

@Suite struct DamageTests {
    /// Cut at every byte of the last chunk and its index, the log yields all complete chunks and can be continued.
    @Test func tornAtEveryByteOfTheLastChunk() throws {
        let scratch = try Scratch()
        let script = try LogScript.small(scratch.path("whole.mcap"), close: false)
        let bytes = try readFile(scratch.path("whole.mcap"))
        let lastChunk = Int(script.commits[2].length)
        for length in lastChunk..<bytes.count {
            let path = scratch.path("torn.mcap")
            try writeFile(path, Array(bytes[..<length]))
            let (entries, end) = try readLog(path)
            #expect(entries == Array(script.entries[..<entries.count]))
            #expect(entries.count == 6 || entries.count == 9)
            if length == lastChunk {
                #expect(end == .open)
            } else if entries.count == 6 {
                #expect(
                    end == .tornTail(atOffset: UInt64(lastChunk), droppedBytes: UInt64(length - lastChunk)),
                    "cut at \(length)")
            } else if case .tornTail(let offset, let dropped) = end {
                #expect(offset + dropped == UInt64(length))
            } else {
                // A cut between the chunk and its index is torn as well: the index is missing.
                Issue.record("cut at \(length), the log ends as \(String(describing: end))")
            }

            var continued = try LogScript(path, mode: .continue)
            #expect(continued.writer.previousEnd == end)
            continued.entries = entries
            try continued.append("more", [9, 9], logTime: 7)
            try continued.commit()
            try continued.writer.close()
            let (again, endAgain) = try readLog(path)
            #expect(again == continued.entries)
            #expect(endAgain == .closed)
        }
    }

    /// Cut again and again at a random length behind the last commit, a log keeps all that was committed.
    @Test(arguments: UInt64(1)...30)
    func crashesLoseNothingCommitted(seed: UInt64) throws {
        let scratch = try Scratch()
        let path = scratch.path("a.mcap")
        var random = SplitMix(state: seed)
        var committed: [Entry] = []
        for _ in 0..<6 {
            var script = try LogScript(path, mode: .createOrContinue)
            let recovered = try readLog(path).entries
            #expect(recovered.starts(with: committed))
            script.entries = recovered
            for _ in 0..<random.below(4) {
                for _ in 0...random.below(5) {
                    let data = [UInt8](repeating: UInt8(random.below(256)), count: random.below(300))
                    try script.append("t\(random.below(3))", data, logTime: random.next())
                }
                try script.commit()
            }
            // All commits but the last are done; the last one is cut somewhere.
            let kept = script.commits[max(0, script.commits.count - 2)]
            let bytes = try readFile(path)
            let length = Int(kept.length) + random.below(bytes.count - Int(kept.length) + 1)
            committed =
                script.commits.count > 1 ? Array(script.entries[..<max(kept.count, recovered.count)]) : recovered
            try writeFile(path, Array(bytes[..<length]))
        }
        let (entries, _) = try readLog(path)
        #expect(entries.starts(with: committed))
    }

    @Test func tornAtEveryByteOfTheClosingSection() throws {
        let scratch = try Scratch()
        let script = try LogScript.small(scratch.path("whole.mcap"), close: true)
        let bytes = try readFile(scratch.path("whole.mcap"))
        let dataEnd = Int(script.commits[3].length)
        for length in dataEnd + 1..<bytes.count {
            try writeFile(scratch.path("torn.mcap"), Array(bytes[..<length]))
            let (entries, end) = try readLog(scratch.path("torn.mcap"))
            #expect(entries == script.entries)
            #expect(end == .tornTail(atOffset: UInt64(dataEnd), droppedBytes: UInt64(length - dataEnd)))
        }
        try LogWriter(path: scratch.path("torn.mcap"), mode: .continue).close()
        #expect(try readFile(scratch.path("torn.mcap")) == bytes)
    }

    @Test func tornWithinTheOpening() throws {
        let scratch = try Scratch()
        let script = try LogScript.small(scratch.path("whole.mcap"), close: false)
        let opening = try readFile(scratch.path("whole.mcap"))[..<Int(script.commits[0].length)]
        for length in 0..<opening.count {
            let path = scratch.path("torn.mcap")
            try writeFile(path, Array(opening[..<length]))
            #expect(try readLog(path).end == .tornTail(atOffset: 0, droppedBytes: UInt64(length)))
            let writer = try LogWriter(path: path, mode: .continue)
            try writer.close()
            #expect(try readLog(path).end == .closed)
        }
    }

    /// File systems may leave zeros where room was made but nothing written.
    @Test func zerosAtTheEndAreATornTail() throws {
        let scratch = try Scratch()
        let script = try LogScript.small(scratch.path("whole.mcap"), close: false)
        let bytes = try readFile(scratch.path("whole.mcap"))
        for cut in [Int(script.commits[2].length) + 10, Int(script.commits[2].length) + 60, bytes.count] {
            let zeros = [UInt8](repeating: 0, count: 4096)
            try writeFile(scratch.path("torn.mcap"), bytes[..<cut] + zeros)
            let (entries, end) = try readLog(scratch.path("torn.mcap"))
            #expect(entries == Array(script.entries[..<(cut == bytes.count ? 9 : 6)]))
            let start = script.commits[cut == bytes.count ? 3 : 2].length
            #expect(end == .tornTail(atOffset: start, droppedBytes: UInt64(cut + 4096) - start))
        }
    }

    /// The last write may have got its room and only some of its bytes, however few are missing.
    @Test func zerosInTheRestOfTheLastWriteAreATornTail() throws {
        let scratch = try Scratch()
        let script = try LogScript.small(scratch.path("whole.mcap"), close: false)
        let bytes = try readFile(scratch.path("whole.mcap"))
        let path = scratch.path("torn.mcap")
        for cut in Int(script.commits[2].length)..<bytes.count {
            let torn = Array(bytes[..<cut]) + [UInt8](repeating: 0, count: bytes.count - cut)
            try writeFile(path, torn)
            if torn == bytes { continue }
            let (entries, end) = try readLog(path)
            // What lies behind the chunk itself follows from it.
            #expect(entries.count == 6 || entries.count == 9)
            #expect(entries == Array(script.entries[..<entries.count]))
            guard case .tornTail = end else {
                Issue.record("cut at \(cut), the log reads as \(String(describing: end))")
                continue
            }
            try LogWriter(path: path, mode: .continue).close()
            #expect(try readLog(path).entries == entries)
        }
    }

    /// Every bit of a finished log matters, and the report says where.
    @Test(arguments: [UInt8(0xFF), 0x01, 0x80])
    func everyFlippedByteOfAClosedLogIsFound(mask: UInt8) throws {
        let scratch = try Scratch()
        let script = try LogScript.small(scratch.path("whole.mcap"), close: true)
        let bytes = try readFile(scratch.path("whole.mcap"))
        let path = scratch.path("flipped.mcap")
        for offset in bytes.indices {
            var flipped = bytes
            flipped[offset] ^= mask
            try writeFile(path, flipped)
            do throws(LogError) {
                _ = try readLog(path)
                Issue.record("the flipped byte \(offset) went unnoticed")
            } catch .damaged(_, let damage) {
                checkPlace(damage, offset: offset, commits: script.commits.map { Int($0.length) })
            } catch .notALog where offset < 8 {
                continue
            } catch {
                Issue.record("byte \(offset): \(error)")
            }
        }
    }

    private func checkPlace(_ damage: LogError.Damage, offset: Int, commits: [Int]) {
        if let chunk = damage.chunk {
            // The record behind the last chunk, if its first byte is lost, counts as a further chunk.
            let end = chunk + 1 < commits.count ? commits[chunk + 1] : commits[chunk] + 1
            #expect(offset >= commits[chunk] && offset < end, "byte \(offset): \(damage)")
        } else {
            #expect(offset < commits[0] || offset >= commits[commits.count - 1], "byte \(offset): \(damage)")
            #expect(Int(damage.offset) == offset || damage.kind == .unknown || damage.kind == .chunk, "\(damage)")
        }
    }

    /// In a log without a closing section, a flipped byte of the last chunk reads as damage or as a torn end, but never
    /// as a message.
    @Test func flippedBytesOfTheLastChunkNeverPass() throws {
        let scratch = try Scratch()
        let script = try LogScript.small(scratch.path("whole.mcap"), close: false)
        let bytes = try readFile(scratch.path("whole.mcap"))
        let path = scratch.path("flipped.mcap")
        for offset in bytes.indices {
            var flipped = bytes
            flipped[offset] ^= 0x10
            try writeFile(path, flipped)
            do throws(LogError) {
                let (entries, end) = try readLog(path)
                #expect(entries == Array(script.entries[..<entries.count]))
                #expect(offset >= Int(script.commits[2].length), "byte \(offset) lies before the last chunk")
                guard case .tornTail = end else {
                    Issue.record("the flipped byte \(offset) went unnoticed")
                    continue
                }
            } catch .damaged, .notALog {
                continue
            } catch {
                Issue.record("byte \(offset): \(error)")
            }
        }
    }

    @Test func aWriterRefusesADamagedLog() throws {
        let scratch = try Scratch()
        let script = try LogScript.small(scratch.path("a.mcap"), close: true)
        var bytes = try readFile(scratch.path("a.mcap"))
        bytes[Int(script.commits[1].length) + 60] ^= 1
        try writeFile(scratch.path("a.mcap"), bytes)
        let error = #expect(throws: LogError.self) {
            try LogWriter(path: scratch.path("a.mcap"), mode: .continue)
        }
        let text = error?.description ?? ""
        #expect(text.contains("chunk 1"), "\(text)")
        #expect(text.contains("checksum"), "\(text)")
        #expect(try readFile(scratch.path("a.mcap")) == bytes, "a refused log stays as it was")
    }

    @Test func aLostChunkIsFound() throws {
        let scratch = try Scratch()
        let script = try LogScript.small(scratch.path("a.mcap"), close: false)
        var bytes = try readFile(scratch.path("a.mcap"))
        bytes.removeSubrange(Int(script.commits[1].length)..<Int(script.commits[2].length))
        try writeFile(scratch.path("a.mcap"), bytes)
        let error = #expect(throws: LogError.self) { try readLog(scratch.path("a.mcap")) }
        #expect(error?.description.contains("expected the sequence number 4, found 7") == true)
    }

    /// Random bytes behind and within a log never trap.
    @Test(arguments: UInt64(1)...40)
    func hostileBytesNeverTrap(seed: UInt64) throws {
        let scratch = try Scratch()
        let script = try LogScript.small(scratch.path("whole.mcap"), close: seed % 2 == 0)
        let bytes = try readFile(scratch.path("whole.mcap"))
        var random = SplitMix(state: seed)
        for _ in 0..<200 {
            var hostile = bytes
            for _ in 0...random.below(3) {
                let start = random.below(hostile.count)
                let count = min(hostile.count - start, 1 + random.below(16))
                let value: UInt8? = [nil, 0, 0xFF][random.below(3)]
                for offset in start..<start + count {
                    hostile[offset] = value ?? UInt8(truncatingIfNeeded: random.next())
                }
            }
            if random.below(3) == 0 { hostile.removeLast(random.below(hostile.count)) }
            guard hostile != bytes else { continue }
            try writeFile(scratch.path("hostile.mcap"), hostile)
            do throws(LogError) {
                let (entries, _) = try readLog(scratch.path("hostile.mcap"))
                #expect(entries == Array(script.entries[..<entries.count]))
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
    }
}
