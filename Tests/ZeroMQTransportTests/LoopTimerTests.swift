import Testing
import ZeroMQTransport

@Suite struct LoopTimerTests {
    @Test func timersFireInTheOrderOfTheirDeadlines() async throws {
        let loop = try PollLoop()
        let fired = Record<Int>()
        let start = ContinuousClock.now
        let times = Record<Duration>()
        for delay in [30, 10, 50, 20, 40, 10] {
            loop.schedule(at: start + .milliseconds(delay)) {
                #expect(loop.isCurrent)
                fired.add(delay)
                times.add(.now - start)
            }
        }
        #expect(try await fired.wait(for: 6) == [10, 10, 20, 30, 40, 50])
        for (delay, time) in zip(fired.all, times.all) {
            #expect(time >= .milliseconds(delay))
        }
        await loop.stop()
    }

    @Test func timersOfOneDeadlineFireInTheOrderOfTheirCreation() async throws {
        let loop = try PollLoop()
        let fired = Record<Int>()
        let deadline = ContinuousClock.now + .milliseconds(20)
        for number in 0..<100 { loop.schedule(at: deadline) { fired.add(number) } }
        #expect(try await fired.wait(for: 100) == Array(0..<100))
        await loop.stop()
    }

    @Test func cancelledTimersDoNotFire() async throws {
        let loop = try PollLoop()
        let fired = Record<Int>()
        let start = ContinuousClock.now
        var timers: [LoopTimer] = []
        for number in 0..<1000 {
            timers.append(loop.schedule(at: start + .milliseconds(60 + number % 7)) { fired.add(number) })
        }
        for number in 0..<1000 where number % 10 != 0 { timers[number].cancel() }
        timers[1].cancel()
        let order = (0..<1000).filter { $0 % 10 == 0 }.sorted { ($0 % 7, $0) < ($1 % 7, $1) }
        #expect(try await fired.wait(for: 100) == order)
        try await Task.sleep(for: .milliseconds(10))
        #expect(fired.count == 100)
        await loop.stop()
    }

    @Test func repeatingTimersGoOnUntilCancelled() async throws {
        let loop = try PollLoop()
        let fired = Record<Int>()
        let timer = loop.schedule(every: .milliseconds(3)) { fired.add(1) }
        #expect(try await fired.wait(for: 5).count >= 5)
        loop.execute { timer.cancel() }
        await loop.stop()
    }

    /// A cancel on the loop's thread holds at once, even against a timer that is due in the same round.
    @Test func aTimerMayCancelAnother() async throws {
        let loop = try PollLoop()
        let fired = Record<Int>()
        let deadline = ContinuousClock.now + .milliseconds(10)
        let second = Record<LoopTimer>()
        loop.schedule(at: deadline) {
            fired.add(1)
            second.all[0].cancel()
        }
        second.add(loop.schedule(at: deadline) { fired.add(2) })
        loop.schedule(at: deadline + .milliseconds(5)) { fired.add(3) }
        #expect(try await fired.wait(for: 2) == [1, 3])
        await loop.stop()
    }

    /// A timer that always schedules another one in the past leaves room for other work.
    @Test func timersInThePastDoNotStarveTheLoop() async throws {
        let loop = try PollLoop()
        let fired = Record<Int>()
        @Sendable func again() {
            fired.add(1)
            loop.schedule(at: .now - .seconds(3600)) { again() }
        }
        again()
        #expect(try await fired.wait(for: 100).count >= 100)
        let ran = Record<Int>()
        loop.execute { ran.add(1) }
        #expect(try await ran.wait(for: 1) == [1])
        await loop.stop()
    }

    @Test func anEarlierTimerShortensTheWait() async throws {
        let loop = try PollLoop()
        let fired = Record<Int>()
        loop.schedule(after: .seconds(3600)) { fired.add(9) }
        try await Task.sleep(for: .milliseconds(10))
        loop.schedule(after: .milliseconds(1)) { fired.add(1) }
        #expect(try await fired.wait(for: 1) == [1])
        await loop.stop()
    }

    @Test func stoppingDropsTimersAndWhatTheyHold() async throws {
        let loop = try PollLoop()
        weak let held: Record<Int>?
        do {
            let record = Record<Int>()
            held = record
            loop.schedule(after: .seconds(3600)) { record.add(1) }
        }
        #expect(held != nil)
        await loop.stop()
        #expect(held == nil)
    }
}
