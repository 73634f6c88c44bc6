import Federation
import PromptAggregation
import PromptWire
import RunLog
import Testing

/// What a client may say beside its updates.
@Suite struct MessageAllowanceTests {
    private func time(_ seconds: Double) -> Timestamp { Timestamp(nanoseconds: 1_000_000_000) + .seconds(seconds) }

    @Test func aBurstIsAdmittedAndThenSoMuchASecond() {
        var allowance = MessageAllowance(heartbeat: .seconds(2), mostClients: 10)
        #expect(admitted(of: 3000, at: 0, &allowance) == Int(MessageAllowance.burst))
        let other = says("client-01", at: 0, &allowance)
        #expect(other, "each client has its own")
        #expect(admitted(of: 1000, at: 10, &allowance) == 340, "32 a second and 4 in the time of a heartbeat")
    }

    @Test func aClientThatWorksAsItShouldIsNeverHeldBack() {
        var allowance = MessageAllowance(heartbeat: .milliseconds(50), mostClients: 10)
        // Ten hours of heartbeats, every fifth hour a backlog of a thousand.
        for tick in 0..<720_000 {
            let messages = tick % 360_000 == 359_999 ? 1001 : 1
            guard admitted(of: messages, at: Double(tick) / 20, &allowance) < messages else { continue }
            Issue.record("held back at \(tick)")
            return
        }
    }

    @Test func aClockThatStepsBackGivesNothing() {
        var allowance = MessageAllowance(heartbeat: .seconds(2), mostClients: 10)
        _ = admitted(of: 3000, at: 100, &allowance)
        #expect([0, 100, 101].map { admitted(of: 1, at: $0, &allowance) } == [0, 0, 1])
    }

    @Test func manyClientsTakeBoundedMemory() {
        var allowance = MessageAllowance(heartbeat: .seconds(2), mostClients: 10)
        for number in 0..<60_000 { _ = says("c\(number)", at: Double(number) / 100, &allowance) }
        #expect(allowance.count <= 20_001)
    }

    /// Looking for those that need not be remembered costs a few inspections for each message, however many cannot be
    /// forgotten yet.
    @Test(arguments: [30_000, 60_000, 120_000]) func namesWithoutEndCostLittleEach(names: Int) {
        var allowance = MessageAllowance(heartbeat: .seconds(2), mostClients: 10)
        for number in 0..<names { _ = says("c\(number)", at: Double(number) / 1e7, &allowance) }
        #expect(allowance.count == names, "nobody has said so little that it could say everything again")
        #expect(allowance.inspections > 0 && allowance.inspections <= 2 * names)
    }

    @Test func namesWithoutEndGainAPartyNothing() {
        var allowance = MessageAllowance(heartbeat: .seconds(2), mostClients: 100)
        func admitted(of names: Range<Int>, from party: Party, at seconds: Double) -> Int {
            names.count { says("c\($0)", from: party, at: seconds, &allowance) }
        }
        #expect(admitted(of: 0..<5000, from: .key("one"), at: 0) == 1600, "1,200 and four of each client")
        #expect(admitted(of: 5000..<5100, from: .key("two"), at: 0) == 100, "another key has its own")
        let later = admitted(of: 6000..<9000, from: .key("one"), at: 10)
        #expect(later == 840, "34 a second, and one of each client in a heartbeat")
    }

    @Test func aMessageOfManyClientsCountsForEachThatHasSomethingToSay() {
        var allowance = MessageAllowance(heartbeat: .seconds(2), mostClients: 100)
        let senders = (0..<100).map { ClientID("c\($0)") }
        func admitted(weighing weight: Int, at seconds: Double) -> Int {
            (0..<100).count { _ in
                allowance.excess(of: senders, weighing: weight, from: .key("one"), at: time(seconds)) == nil
            }
        }
        #expect(admitted(weighing: 100, at: 0) == 16)
        #expect(admitted(weighing: 0, at: 10) == 100, "signs of life alone count once")
    }

    private func admitted(of messages: Int, at seconds: Double, _ allowance: inout MessageAllowance) -> Int {
        (0..<messages).count { _ in says("client-00", at: seconds, &allowance) }
    }

    private func says(
        _ client: String, from party: Party? = nil, at seconds: Double, _ allowance: inout MessageAllowance
    ) -> Bool {
        allowance.excess(of: [ClientID(client)], from: party, at: time(seconds)) == nil
    }
}
