import Federation
import PromptAggregation
import RunSettings
import Text

/// What most scenes do.
extension Stage {
    func order(_ id: UpdateID, _ task: StagedTask) -> AggregatorMessage {
        .task(
            .init(
                client: client!, session: task.session, number: id.task, version: task.version, seed: id.task,
                plan: model.plan))
    }

    /// Gives the present session a task, which is given again until a heartbeat shows it.
    /// - Parameter version: the newest unless given.
    @discardableResult
    func give(version: Version? = nil) -> UpdateID {
        let id = UpdateID(run: run.number, task: run.nextTask)
        run.nextTask += 1
        let task = StagedTask(session: session!, version: version ?? run.version, givenAt: .now)
        tasks[id] = task
        current = id
        say(order(id, task))
        return id
    }

    /// Waits for the update that answers a task.
    /// - Throws: `Setback` where a failure comes instead, or nothing.
    @discardableResult
    func answer(to id: UpdateID, orBreak rule: ClientRule = .update) throws -> ClientMessage.Update {
        try listen(for: settings.patience) { tasks[id]!.isAnswered }
        if let update = tasks[id]!.answers.first?.update { return update }
        if let failure = tasks[id]!.failures.first {
            throw Setback(rule: rule, seen: "task \(id.task) failed: \(failure.reason)")
        }
        throw Setback(
            rule: rule, seen: "no answer to task \(id.task) in \(decimal(settings.patience / .seconds(1), 0)) s")
    }

    /// Has the client train once, and settles it.
    @discardableResult
    func train(version: Version? = nil) throws -> ClientMessage.Update {
        let id = give(version: version)
        let update = try answer(to: id)
        if tasks[id]!.settled == nil { settle(id) }
        return update
    }

    /// Waits until the client has answered a welcome of the present run and epoch.
    /// - Parameter rule: what a client breaks that is there and does not say hello.
    /// - Throws: `ClientCheckError` where no client comes; `Setback`.
    func join(within time: Duration, orBreak rule: ClientRule = .nextRun) throws {
        if try listen(for: time, until: { lastHeartbeat != nil && welcomedAt != nil }) { return }
        let waited = "within \(decimal(time / .seconds(1), 0)) s"
        guard hasGreeted else { throw absence(waited) }
        guard welcomedAt == nil else { throw Setback(rule: .welcomeAnswered, seen: "no Heartbeat came \(waited)") }
        throw Setback(rule: rule, seen: "no Hello came \(waited)")
    }

    /// With what was wrong about all that came.
    func absence(_ waited: String) -> ClientCheckError {
        let found = book.firstBreach(of: [.form, .ownName]).map { "; \($0)" } ?? ""
        return ClientCheckError("no client said hello \(waited) at \(endpoints.updates)\(found)")
    }

    /// Starts the client's process where it is not running.
    func startClient() throws {
        mayEnd = false
        guard let command = settings.command else {
            starts = 1
            return
        }
        guard process?.isRunning != true else { return }
        process = try ClientProcess(settings.filled(command, endpoints))
        starts += 1
        hasGreeted = false
        forgetWelcome()
        topics = []
    }

    /// Ends the client's process as a crash does.
    func crashClient() {
        mayEnd = true
        process?.crash()
        process = nil
        forgetWelcome()
    }

    /// What came since a moment, by a choice.
    func count(since start: Instant, _ condition: (ClientMessage) -> Bool) -> Int {
        heard.count { $0.at >= start && condition($0.message) }
    }
}
