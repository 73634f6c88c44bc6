import Federation
import PromptAggregation
import PromptWire
import RunLog
import Testing

/// What a client may say beside its updates.
@Suite struct MessageAllowanceTests {
    private let client = ClientID("client-00")

    private func time(_ seconds: Double) -> Timestamp { Timestamp(nanoseconds: 1_000_000_000) + .seconds(seconds) }

    @Test func aBurstIsAdmittedAndThenSoMuchASecond() {
        var allowance = MessageAllowance(heartbeat: .seconds(2))
        #expect(admitted(of: 3000, at: 0, &allowance) == Int(MessageAllowance.burst))
        let other = allowance.admits(ClientID("client-01"), at: time(0))
        #expect(other, "each client has its own")
        #expect(admitted(of: 1000, at: 10, &allowance) == 340, "32 a second and 4 in the time of a heartbeat")
    }

    @Test func aClientThatWorksAsItShouldIsNeverHeldBack() {
        var allowance = MessageAllowance(heartbeat: .milliseconds(50))
        // Ten hours of heartbeats, every fifth hour a backlog of a thousand.
        for tick in 0..<720_000 {
            let messages = tick % 360_000 == 359_999 ? 1001 : 1
            guard admitted(of: messages, at: Double(tick) / 20, &allowance) < messages else { continue }
            Issue.record("held back at \(tick)")
            return
        }
    }

    @Test func aClockThatStepsBackGivesNothing() {
        var allowance = MessageAllowance(heartbeat: .seconds(2))
        _ = admitted(of: 3000, at: 100, &allowance)
        #expect([0, 100, 101].map { admitted(of: 1, at: $0, &allowance) } == [0, 0, 1])
    }

    @Test func manyClientsTakeBoundedMemory() {
        var allowance = MessageAllowance(heartbeat: .seconds(2))
        for number in 0..<60_000 { _ = allowance.admits(ClientID("c\(number)"), at: time(Double(number) / 100)) }
        #expect(allowance.count <= 20_001)
    }

    private func admitted(of messages: Int, at seconds: Double, _ allowance: inout MessageAllowance) -> Int {
        (0..<messages).count { _ in allowance.admits(client, at: time(seconds)) }
    }
}
