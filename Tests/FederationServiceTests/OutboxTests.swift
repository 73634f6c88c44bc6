import Dispatch
import Federation
import FederationService
import Foundation
import PromptAggregation
import PromptWire
import Synchronization
import TestSupport
import Testing

/// Updates on the disk: whole or not there, found again in their order, and gone once they are settled.
@Suite struct OutboxTests {
    private let client = ClientID("client-1")

    private func update(_ task: UInt64, run: UInt64 = 5, of client: String = "client-1") -> ClientMessage.Update {
        ClientMessage.Update(
            client: ClientID(client), session: 1, run: run, task: task,
            baseVersion: 3, sampleCount: 10,
            parameters: Parameters([(Parameters.prompts, Tensor(shape: [1, 2], values: [1, -0.5]))]), promptIDs: [7],
            metrics: [])
    }

    private func open(_ folder: String) throws -> OutboxFolder {
        try OutboxFolder(path: folder, client: client, thread: DispatchQueue(label: "outbox"))
    }

    private func encoded(_ update: ClientMessage.Update) -> [UInt8] { ClientCodec.encode(.update(update)) }

    private func kept(_ updates: ClientMessage.Update...) -> [OutboxFolder.Kept] {
        updates.map { .init(update: $0, message: encoded($0)) }
    }

    private func store(_ updates: [ClientMessage.Update], in folder: String) throws {
        let outbox = try open(folder)
        #expect(outbox.left.isEmpty)
        for update in updates { outbox.store(update.id, encoded(update)) { #expect($0 == nil) } }
        outbox.finish()
    }

    @Test func anOutboxServesOneWorkerAtATime() throws {
        try withTemporaryFolder { folder in
            let outbox = try open(folder)
            let error = #expect(throws: OutboxError.self) { try open(folder) }
            #expect("\(try #require(error))".contains("\(folder)/client-1: another worker"))
            withExtendedLifetime(outbox) {}
        }
    }

    @Test func whatWasStoredIsFoundAgainUntilItIsDiscarded() throws {
        try withTemporaryFolder { folder in
            try store([update(2, run: 9), update(10), update(9)], in: folder)
            do {
                let outbox = try open(folder)
                #expect(outbox.left == kept(update(9), update(10), update(2, run: 9)))
                outbox.discard(update(9).id, .acknowledged)
                outbox.discard(update(10).id, .rejected)
                outbox.finish()
            }
            #expect(try open(folder).left == kept(update(2, run: 9)))
            let acknowledged = try String(contentsOfFile: folder + "/client-1/acknowledged.txt", encoding: .utf8)
            #expect(acknowledged == "0000000000000005 9\n")
        }
    }

    private func values(_ value: Float) -> Parameters {
        Parameters([(Parameters.headWeight, Tensor(shape: [1, 1], values: [value]))])
    }

    @Test func whatIsKeptOfATaskLiesBesideItsUpdateForEachRun() throws {
        try withTemporaryFolder { folder in
            do {
                let outbox = try open(folder)
                for (task, run) in [(2, 5), (3, 5), (1, 9)] as [(UInt64, UInt64)] {
                    let update = update(task, run: run)
                    outbox.store(update.id, encoded(update), personal: values(Float(task))) { #expect($0 == nil) }
                }
                outbox.discard(update(3).id, .acknowledged)
                outbox.finish()
            }
            let outbox = try open(folder)
            #expect(try outbox.personal(run: 5) == PersonalParts(run: 5, task: 3, values: values(3)))
            #expect(try outbox.personal(run: 9) == PersonalParts(run: 9, task: 1, values: values(1)))
            #expect(try outbox.personal(run: 7) == nil)
        }
    }

    @Test("what a crash left of a task counts where its update is there", arguments: [true, false])
    func aCrashBetweenBoth(withUpdate: Bool) throws {
        try withTemporaryFolder { folder in
            let file = folder + "/client-1/0000000000000005.personal"
            do {
                let outbox = try open(folder)
                for task in 1...2 as ClosedRange<UInt64> {
                    let update = update(task)
                    outbox.store(update.id, encoded(update), personal: values(Float(task))) { #expect($0 == nil) }
                    outbox.finish()
                    if task == 1 { try FileManager.default.copyItem(atPath: file, toPath: file + ".before") }
                }
                try FileManager.default.moveItem(atPath: file, toPath: file + ".next")
                try FileManager.default.moveItem(atPath: file + ".before", toPath: file)
                if !withUpdate { outbox.discard(update(2).id, .rejected) }
                outbox.finish()
            }
            let outbox = try open(folder)
            let task: UInt64 = withUpdate ? 2 : 1
            #expect(try outbox.personal(run: 5) == PersonalParts(run: 5, task: task, values: values(Float(task))))
            #expect(!FileManager.default.fileExists(atPath: file + ".next"))
        }
    }

    @Test func aDamagedFileOfWhatIsKeptIsNamed() throws {
        try withTemporaryFolder { folder in
            do {
                let outbox = try open(folder)
                outbox.store(update(1).id, encoded(update(1)), personal: values(1)) { #expect($0 == nil) }
                outbox.finish()
            }
            let file = folder + "/client-1/0000000000000005.personal"
            var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
            bytes[bytes.count - 40] ^= 1
            try bytes.write(to: URL(fileURLWithPath: file))
            let error = #expect(throws: OutboxError.self) { try open(folder).personal(run: 5) }
            #expect("\(try #require(error))".hasPrefix("\(file): expected what the client keeps of its last task"))
        }
    }

    @Test func aWriteThatACrashCutShortIsLeftOut() throws {
        try withTemporaryFolder { folder in
            _ = try open(folder)
            try Data([1, 2]).write(to: URL(fileURLWithPath: folder + "/client-1/0000000000000005-1.update.partial"))
            #expect(try open(folder).left.isEmpty)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/client-1") == ["lock"])
        }
    }

    @Test func aDamagedOrForeignFileIsNamed() throws {
        try withTemporaryFolder { folder in
            try store([update(1)], in: folder)
            let file = URL(fileURLWithPath: folder + "/client-1/0000000000000005-1.update")
            let whole = try Data(contentsOf: file)
            for place in [0, 40, whole.count - 1] {
                var damaged = whole
                damaged[place] ^= 1
                try damaged.write(to: file)
                let error = #expect(throws: OutboxError.self) { try open(folder) }
                #expect("\(try #require(error))".contains(file.path))
            }
            try whole.prefix(20).write(to: file)
            #expect(throws: OutboxError.self) { try open(folder) }
        }
    }

    @Test func aListThatCannotBeWrittenIsToldOnceAndHoldsNothingUp() throws {
        try withTemporaryFolder { folder in
            try store([update(1), update(2)], in: folder)
            try FileManager.default.createDirectory(
                atPath: folder + "/client-1/acknowledged.txt", withIntermediateDirectories: false)
            let problems = Mutex<[OutboxError]>([])
            let outbox = try OutboxFolder(path: folder, client: client, thread: DispatchQueue(label: "outbox")) {
                problem in problems.withLock { $0.append(problem) }
            }
            for task in 1...2 as ClosedRange<UInt64> { outbox.discard(update(task).id, .acknowledged) }
            outbox.finish()
            let told = problems.withLock { $0 }
            #expect(told.count == 1 && "\(told[0])".contains("\(folder)/client-1/acknowledged.txt"), "\(told)")
            let left = try FileManager.default.contentsOfDirectory(atPath: folder + "/client-1")
            #expect(!left.contains { $0.hasSuffix(".update") })
        }
    }

    @Test func anUpdateThatCannotBeWrittenIsReported() async throws {
        let path = NSTemporaryDirectory() + "impromptu-test-" + UUID().uuidString
        let outbox = try open(path)
        try FileManager.default.removeItem(atPath: path)
        let problem = await withCheckedContinuation { done in
            outbox.store(update(1).id, encoded(update(1))) { done.resume(returning: $0) }
        }
        #expect("\(try #require(problem))".contains("\(path)/client-1/0000000000000005-1.update"))
    }
}
