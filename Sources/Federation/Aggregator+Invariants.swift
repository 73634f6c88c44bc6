import PromptAggregation

extension Aggregator {
    /// What does not hold and must, in words; empty when all is well. Walks over everything, so it is for tests,
    /// simulations and snapshots that are read.
    public func checkInvariants() -> [String] {
        clock.violations + clients.violations + ledger.violations(clients: clients.count, version: version)
            + historyViolations + bufferViolations + taskViolations + waitViolations
    }

    private var historyViolations: [String] {
        var found: [String] = []
        if current.version != version || clients.version != version {
            found.append("the newest state is of version \(current.version), of \(version) versions")
        }
        if history.count > configuration.maximumStaleness + 1 { found.append("\(history.count) states are kept") }
        let names = current.state.parameters.names
        if unchangedSince.count != names.count || unchangedSince.contains(where: { !(0...version).contains($0) }) {
            found.append("the tensors \(names) changed last in the versions \(unchangedSince)")
        }
        return found
    }

    private var bufferViolations: [String] {
        var found: [String] = []
        var seen: Set<UInt64> = []
        var newest: [Int: Version] = [:]
        for item in cut + buffer {
            let update = item.update
            if !seen.insert(update.task).inserted { found.append("task \(update.task) is in the buffer twice") }
            if case .known(let entry) = ledger[update.task], entry.slot != item.slot || entry.outcome != .counted {
                found.append("task \(update.task) is in the buffer, and the ledger says \(entry)")
            }
            if case .neverGiven = ledger[update.task] { found.append("task \(update.task) was never given") }
            if clients[item.slot].id != update.client { found.append("task \(update.task) is of another client") }
            newest[item.slot] = max(newest[item.slot] ?? -1, update.baseVersion)
        }
        for (slot, record) in clients.records.enumerated() where record.bufferedBase != newest[slot] {
            found.append("the newest base of \(record.id) in the buffer is not \(record.bufferedBase ?? -1)")
        }
        let used = totals.accepted - totals.discardedLate - buffered
        if used < 0 || totals.usedLate > used {
            found.append(
                "\(totals.accepted) updates were accepted, and \(totals.discardedLate) were too late,"
                    + " \(buffered) wait and \(totals.usedLate) were used late")
        }
        return found
    }

    private var taskViolations: [String] {
        var found: [String] = []
        for (slot, record) in clients.records.enumerated() {
            guard let current = record.current else { continue }
            switch ledger[current.task] {
            case .neverGiven: found.append("\(record.id) has task \(current.task), which was never given")
            case .forgotten: break
            case .known(let entry):
                if entry.slot != slot || entry.version != current.version || entry.outcome != .open {
                    found.append("\(record.id) has task \(current.task), and the ledger says \(entry)")
                }
            }
        }
        if configuration.concurrency > 0, clients.inFlight > configuration.concurrency {
            found.append("\(clients.inFlight) tasks are in flight")
        }
        if clients.count > configuration.maximumClients { found.append("there are \(clients.count) clients") }
        return found
    }

    private var waitViolations: [String] {
        var found: [String] = []
        if let deadline, deadline <= clock.elapsed {
            found.append("the next deadline is not after the last event")
        }
        if buffer.isEmpty != (waits.bufferedSince == nil) {
            found.append("the buffer's first update has no time, or none is there")
        }
        for since in [waits.bufferedSince, waits.roundSince].compactMap(\.self) where since > clock.listened {
            found.append("a wait begins later than now")
        }
        if phase != .ready, waits.nextBeacon == nil { found.append("no beacon will come") }
        if phase == .draining, waits.drainEnd == nil { found.append("the drain has no end") }
        if !cut.isEmpty, !isUnderWay { found.append("a flush is under way, and the run is not") }
        if isUnderWay, flushIsDue { found.append("a flush is due and was not made") }
        // Whoever could be asked waits for somebody else's answer, or for a version, or for others to come.
        if phase == .running, clientsGathered, clients.inFlight == 0, buffered == 0, clients.idle > 0 {
            found.append("nobody is asked, though \(clients.idle) clients are idle")
        }
        return found
    }
}
