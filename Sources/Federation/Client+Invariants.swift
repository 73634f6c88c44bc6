extension Client {
    /// What does not hold and must, in words; empty when all is well.
    public func checkInvariants() -> [String] {
        guard !finished else { return [] }
        var found = clock.violations
        if welcomed, origin == nil { found.append("welcomed by nobody") }
        if !welcomed, pace.helloAt == nil, clock.last != nil { found.append("neither welcomed nor about to say hello") }
        if welcomed, pace.heartbeatAt == nil { found.append("no heartbeat will come") }
        if let origin, kept.holdsStored(of: origin.run), pace.resendAt == nil {
            found.append("an update is kept and will not be sent again")
        }
        if training != nil, origin == nil { found.append("trains for no run") }
        if let pending, pending.number > lastTask { found.append("a task waits that was not noted") }
        if let pending, let held, training == nil, !leaving, held.version >= pending.version {
            found.append("a task waits though its state is there")
        }
        if let failure, failure.task == training || failure.task > lastTask {
            found.append("a failure is reported of a task that did not fail")
        }
        if leaving, pace.graceEnd == nil { found.append("leaves without an end of its grace") }
        for due in [pace.helloAt, pace.heartbeatAt, pace.resendAt, pace.graceEnd].compactMap(\.self)
        where due <= clock.elapsed {
            found.append("something is overdue")
        }
        var names: Set<UpdateID> = []
        for update in kept.updates where !names.insert(update.id).inserted {
            found.append("task \(update.task) was answered twice")
        }
        return found
    }
}
