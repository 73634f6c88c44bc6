/// A part of the check, with a run of its own.
public enum Scene: String, CaseIterable, Sendable {
    case greeting, heartbeats, tasks, resending, states, restart, runs, failure, evaluation, noise, kill, fencing
    case leaving, end

    /// The rules that it tries. Those of the form of messages are watched in all scenes.
    public var rules: [ClientRule] {
        switch self {
        case .greeting:
            [
                .subscriptions, .helloFirst, .helloRepeated, .helloSame, .model, .foreignWelcome, .welcomeAnswered,
                .sayHello,
            ]
        case .heartbeats: [.heartbeats]
        case .tasks:
            [
                .update, .tensors, .heartbeatsWhileTraining, .heartbeatTruth, .foreignTask, .repeatedTask,
                .acknowledged,
            ]
        case .resending: [.resent, .foreignSettlement, .rejected]
        case .states: [.fetch, .incompleteState, .newestState]
        case .restart: [.nextEpoch, .earlierEpoch]
        case .runs: [.foreignEnd, .nextRun, .otherRun, .precision]
        case .failure: [.failure]
        case .evaluation: [.evaluation]
        case .noise: [.noise]
        case .kill: [.restarted]
        case .fencing: [.refused]
        case .leaving: [.goodbye]
        case .end: [.end]
        }
    }

    /// Whether it starts, kills or outlives the client's process.
    var needsCommand: Bool {
        switch self {
        case .kill, .fencing, .leaving: true
        default: false
        }
    }

    func play(on stage: Stage) throws {
        stage.manners = Manners()
        stage.trying = rules[0]
        stage.beginRun()
        if self == .greeting { return try stage.playGreeting() }
        try stage.startClient()
        try stage.join(within: stage.settings.patience)
        switch self {
        case .greeting: break
        case .heartbeats: try stage.playHeartbeats()
        case .tasks: try stage.playTasks()
        case .resending: try stage.playResending()
        case .states: try stage.playStates()
        case .restart: try stage.playRestart()
        case .runs: try stage.playRuns()
        case .failure: try stage.playFailure()
        case .evaluation: try stage.playEvaluation()
        case .noise: try stage.playNoise()
        case .kill: try stage.playKill()
        case .fencing: try stage.playFencing()
        case .leaving: try stage.playLeaving()
        case .end: try stage.playEnd()
        }
    }
}
