import FederationService
import RunLog
import Testing

/// Who sends too much of what comes to nothing is found, and is forgiven after a while.
@Suite struct OffencesTests {
    private let start = ContinuousClock.now

    @Test func aFloodIsCutOffAndItsKeyComesBackLater() {
        let offences = Offences()
        let found = (0..<200).map { offences.note(.key("one"), bytes: 100, at: start + .milliseconds($0)) }
        #expect(found.firstIndex(of: true) == 64)
        #expect(offences.isLockedOut(.key("one"), at: start + .seconds(1)))
        #expect(!offences.isLockedOut(.key("two"), at: start + .seconds(1)))
        #expect(!offences.isLockedOut(.key("one"), at: start + .seconds(1) + Offences.sentence))
    }

    @Test func aFewFaultsAreForgotten() {
        let offences = Offences()
        for second in 0..<600 {
            for _ in 0..<6 { #expect(!offences.note(.key("one"), bytes: 100, at: start + .seconds(second))) }
        }
    }

    @Test func largeMessagesCountForMore() {
        let offences = Offences()
        #expect(!offences.note(.key("one"), bytes: 60 << 20, at: start))
        #expect(offences.note(.key("one"), bytes: 60 << 20, at: start + .milliseconds(300)))
    }

    /// The system gives a descriptor that was closed to the next connection.
    @Test func aConnectionIsCutOffAndTheNextWithItsDescriptorIsNot() {
        let offences = Offences()
        let found = (0..<65).map { _ in offences.note(.connection(7), bytes: 1, at: start) }
        #expect(found.last == true)
        #expect(!offences.isLockedOut(.connection(7), at: start))
        #expect(!offences.note(.connection(7), bytes: 1, at: start))
    }

    @Test func manyPartiesTakeBoundedMemory() {
        let offences = Offences()
        for party in 0..<30_000 {
            _ = offences.note(.connection(CInt(party)), bytes: 1, at: start + .milliseconds(party))
        }
        #expect(offences.count <= 10_001)
    }

    /// Looking for those that need not be remembered costs a few inspections for each message, however many cannot be
    /// forgotten yet.
    @Test(arguments: [15_000, 30_000, 120_000]) func partiesWithoutEndCostLittleEach(parties: Int) {
        let offences = Offences()
        for party in 0..<parties {
            _ = offences.note(.key("\(party)"), bytes: 1, at: start + .nanoseconds(party))
        }
        #expect(offences.count == parties, "what they sent is not forgotten yet")
        #expect(offences.inspections > 0 && offences.inspections <= 2 * parties)
    }
}
