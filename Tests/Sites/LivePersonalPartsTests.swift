import Dispatch
import Federation
import FederationRun
import FederationService
import Foundation
import PromptAggregation
import PromptTuning
import PromptWire
import RunLog
import RunSettings
import TestSupport
import Testing

/// What a client keeps to itself from task to task is there after its process was killed, bit for bit: worked out again from
/// the log, task by task and without a break, all that it sent and all that it keeps at the end is the same.
@Suite(.serialized) struct LivePersonalPartsTests {
    @Test(
        "personal parts survive a kill",
        arguments: [
            ["strategy.name=scaffold"], ["strategy.name=isolated"], ["strategy.name=pfedpg"],
            ["strategy.name=fedavg", "head.personal=true"],
        ])
    func survive(settings: [String]) async throws {
        try await withLiveSites { sites in
            try sites.folder.make("north", ["glioma": 6, "pituitary": 6])
            let aggregator = try await sites.startAggregator(
                settings + ["run.updates=14", "federation.mode=continuous", "federation.concurrency=1"])
            // So that the kill comes before the end.
            let slow = ["--set", "worker.delay=constant", "--set", "worker.delay_seconds=1"]
            let first = try sites.startClient("north", slow)
            try await sites.updates(reach: 4)
            try await first.crash()
            let second = try sites.startClient("north")
            for process in [second, aggregator] { #expect(try await process.exitCode() == 0, "\(process.output)") }
            #expect(second.output.contains("personal parts taken up client=north task="), "\(second.output)")

            let history = try LoggedTasks(of: sites.run)
            #expect(history.answers.count == 14)
            let worked = try workedOut(history, of: sites)
            for (answer, outcome) in zip(history.answers, worked) {
                #expect(outcome.result.parameters == answer.update.parameters, "task \(answer.order.task.number)")
                #expect(outcome.result.promptIDs == answer.update.promptIDs)
            }
            let outbox = try OutboxFolder(
                path: sites.path + "/outbox", client: ClientID("north"), thread: DispatchQueue(label: "outbox"))
            let kept = try #require(try outbox.personal(run: history.run))
            #expect(kept.task == history.answers.last?.order.task.number)
            #expect(!kept.values.entries.isEmpty && kept.values == worked.last?.personal)
            #expect(worked[0].personal != kept.values, "they change with each task")
        }
    }

    /// What each task of the log comes to, where each begins with what the one before left.
    private func workedOut(_ history: LoggedTasks, of sites: LiveSites) throws -> [TrainingOutcome] {
        let configuration = try RunConfiguration.load(
            files: [sites.run.configuration], environment: [:],
            assignments: ["worker.clients.north=\(sites.path)/north", "model.classes=\(sites.path)/classes.txt"])
        let encoder = try configuration.loadEncoder()
        let images = try ClientImages.own(of: configuration, encoder: encoder)[0].training
        let learner = try PromptLearner(encoder: encoder, threads: 1)
        var personal = Parameters()
        return try history.answers.map { answer in
            let outcome = try #require(
                try learner.carryOut(answer.order, personal: personal, on: images, privacy: nil))
            personal = outcome.personal
            return outcome
        }
    }
}

/// The tasks of a run's log that were answered, in their order.
private struct LoggedTasks {
    let run: UInt64
    let answers: [(order: TrainingOrder, update: ClientMessage.Update)]

    init(of folder: RunFolder) throws {
        var tasks: [UInt64: AggregatorMessage.Task] = [:]
        var versions: [AggregatorMessage.GlobalPrompts] = []
        var answers: [(order: TrainingOrder, update: ClientMessage.Update)] = []
        let replay = try Replay(path: folder.log) { step in
            switch step {
            case .effect(.publish(_, .task(let task))): tasks[task.number] = task
            case .effect(.publishVersion(let prompts)): versions.append(prompts)
            case .judged(let update, .accepted):
                let task = try #require(tasks[update.task])
                let base = try #require(versions.first { $0.version == update.baseVersion })
                answers.append((TrainingOrder(task: task, base: base), update))
            default: break
            }
        }
        run = try #require(replay.header).run
        self.answers = answers.sorted { $0.order.task.number < $1.order.task.number }
    }
}
