import Federation
import PromptAggregation
import PromptWire

/// Clients of one connection that answer each task at once. What is published to them may be lost, so a task that does not
/// come is asked for by a heartbeat, and an acknowledgement that does not come by sending the update again.
struct Answering {
    let connection: LoadConnection
    private var templates: [ClientID: UpdateTemplate]
    /// What each client sent last and has no answer to.
    private var open: [ClientID: AggregatorMessage.Task] = [:]
    private var lastHeard = ContinuousClock.now
    /// What is late is not lost: whoever asks again too soon adds to what keeps the aggregator from answering.
    private var patience: Duration = .seconds(2)

    init(connection: LoadConnection, templates: [ClientID: UpdateTemplate]) {
        self.connection = connection
        self.templates = templates
    }

    mutating func begin() throws {
        for client in connection.clients {
            if let task = connection.tasks[client] { try answer(task) }
        }
    }

    /// Takes the next message, if one comes soon.
    /// - Returns: how many updates are known to be safe now that were not before.
    mutating func step() throws -> Int {
        let message = try connection.next(within: .milliseconds(200))
        if message != nil { lastHeard = .now }
        switch message {
        case .task(let task):
            guard task.number > open[task.client]?.number ?? 0 else { return 0 }
            // A client gets its next task when its last update is settled.
            let isSettled = open[task.client] != nil
            try answer(task)
            return isSettled ? 1 : 0
        case .ack(let ack):
            guard open[ack.client]?.number == ack.task else { return 0 }
            open[ack.client] = nil
            return 1
        case nil:
            if .now - lastHeard > patience {
                patience *= 2
                try repeatItself()
                lastHeard = .now
            }
            return 0
        default: return 0
        }
    }

    private mutating func answer(_ task: AggregatorMessage.Task) throws {
        open[task.client] = task
        try connection.send(templates[task.client]!.answer(to: task))
    }

    private mutating func repeatItself() throws {
        for client in connection.clients {
            if let task = open[client] {
                try connection.send(templates[client]!.answer(to: task))
            } else {
                try connection.sendHeartbeat(of: client)
            }
        }
    }
}
