import Federation
import PromptAggregation
import Text

/// The rules that hold all the time.
extension Stage {
    /// What a heartbeat may be late by: another one, which may have been lost, and a busy machine.
    var longestSilence: Duration { heartbeat * 2 + .seconds(1) }

    func watch(_ hello: ClientMessage.Hello) {
        book.keep(.ownName, "one name in all messages")
        if let before = self.hello, before.session == hello.session {
            if before == hello {
                book.keep(.helloSame, "one session a start, which says the same each time")
            } else {
                book.breach(.helloSame, "a session said two different things of itself")
            }
        }
        if earlierSessions.contains(hello.session) {
            book.breach(.helloSame, "an earlier session said hello again")
        }
        watch(hello.model)
    }

    private func watch(_ found: ModelSpecification) {
        guard !found.fields.isEmpty || !found.digest.isEmpty else {
            return book.skip(.model, "the client says nothing of its model")
        }
        let names = found.fields.map(\.name)
        if Set(names).count < names.count {
            book.breach(.model, "a field is there twice")
        } else if found.digest.isEmpty || !found.digest.allSatisfy(\.isHexDigit) {
            book.breach(.model, "expected a digest in hexadecimal, found '\(found.digest)'")
        } else if let difference = found.difference(from: model.specification) {
            book.breach(.model, difference)
        } else {
            let known = model.specification.fields.isEmpty ? "" : ", the run's"
            book.keep(.model, "\(names.count) fields\(known)")
        }
    }

    func watch(_ heartbeat: ClientMessage.Heartbeat) {
        guard welcomedAt != nil else { return }
        let known = tasks.filter { $0.key.run == run.number && $0.value.session == session }
        let last = known.keys.map(\.task).max() ?? 0
        if heartbeat.task > last {
            book.breach(.heartbeatTruth, "it names task \(heartbeat.task), and the last one given was \(last)")
        } else if let before = lastHeartbeat?.message, heartbeat.task < before.task {
            book.breach(.heartbeatTruth, "it names task \(heartbeat.task) after \(before.task)")
        } else if heartbeat.activity == .idle, heartbeat.outstanding == 0, heartbeat.task > 0,
            let task = known[UpdateID(run: run.number, task: heartbeat.task)], !task.isAnswered
        {
            book.breach(.heartbeatTruth, "it is idle, and task \(heartbeat.task) is neither answered nor failed")
        }
    }

    /// Notes a heartbeat that is overdue, once for each silence. Nothing waits to be read when this is asked.
    func watchSilence() {
        guard let since = lastHeartbeat?.at, welcomedAt != nil, !mayEnd, !wasLate, .now - since > longestSilence else {
            return
        }
        wasLate = true
        let seen =
            "nothing for \(decimal(longestSilence / .seconds(1), 1)) s, \(heartbeat / .milliseconds(1)) ms were asked"
        let trains = current.map { !tasks[$0]!.isAnswered } ?? false
        book.breach(trains ? .heartbeatsWhileTraining : .heartbeats, seen)
    }

    func watch(_ update: ClientMessage.Update, of task: StagedTask, at now: Instant) {
        if let first = task.answers.first?.update {
            watchAgain(update, first, task, now)
        } else {
            watchFirst(update, task, now)
        }
    }

    private func watchFirst(_ update: ClientMessage.Update, _ task: StagedTask, _ now: Instant) {
        var misfits = false
        func expect(_ rule: ClientRule, _ holds: Bool, _ seen: String) {
            guard !holds else { return }
            misfits = true
            book.breach(rule, seen)
        }
        expect(.update, update.session == task.session, "it names another session than that of its task")
        expect(.update, update.sampleCount >= 1, "expected at least 1 sample, found \(update.sampleCount)")
        expect(.precision, update.precision == run.precision, "expected \(run.precision), found \(update.precision)")
        expect(
            .newestState, update.baseVersion >= task.version,
            "expected a base version from \(task.version), found \(update.baseVersion)")
        if let base = run.states[update.baseVersion] {
            let problem = update.misfit(on: base, plan: model.plan)
            expect(.tensors, problem == nil, problem ?? "")
        } else {
            // A client that forgot nothing of the run before names a version of that.
            expect(
                trying == .nextRun ? .nextRun : .update, false,
                "the base version \(update.baseVersion) was never published")
        }
        guard !misfits else { return }
        book.keep(.update, "run, session, task, base version and samples fit")
        book.keep(.tensors, "\(update.parameters.names.joined(separator: ", "))")
        if run.precision == .float16 { book.keep(.precision, "float32 and, in another run, float16") }
    }

    private func watchAgain(
        _ update: ClientMessage.Update, _ first: ClientMessage.Update, _ task: StagedTask, _ now: Instant
    ) {
        if update != first {
            if task.process == starts {
                book.breach(.repeatedTask, "task \(update.task) was answered by two different updates")
            } else {
                book.breach(.restarted, "the update of task \(update.task) came back changed")
            }
        }
        if let settled = task.settled, now - settled.at > .seconds(1) {
            book.breach(settled.as, "the update of task \(update.task) came again after it was settled")
        }
    }
}
