/// What a client must do, numbered as in docs/wire-and-log.md (*The rules, numbered*), which has the same titles.
public enum ClientRule: Int, CaseIterable, Hashable, Sendable {
    case form = 1
    case ownName
    case subscriptions
    case helloFirst
    case helloRepeated
    case helloSame
    case model
    case foreignWelcome
    case welcomeAnswered
    case sayHello
    case heartbeats
    case heartbeatsWhileTraining
    case heartbeatTruth
    case foreignTask
    case repeatedTask
    case newestState
    case fetch
    case incompleteState
    case update
    case tensors
    case precision
    case resent
    case acknowledged
    case rejected
    case foreignSettlement
    case restarted
    case failure
    case nextEpoch
    case earlierEpoch
    case nextRun
    case otherRun
    case evaluation
    case noise
    case refused
    case foreignEnd
    case end
    case goodbye

    /// As reports and the document name it: `R1` and so on.
    public var number: String { "R\(rawValue)" }

    public var title: String {
        switch self {
        case .form: "Each message is one frame, a ClientEnvelope of protocol 2 within the limits"
        case .ownName: "Each message names the client that the session belongs to"
        case .subscriptions: "It subscribes to g and c/<client>/, and to nothing broader"
        case .helloFirst: "Nothing but Hello is sent before the first Welcome"
        case .helloRepeated: "Hello is repeated until a Welcome comes, with growing pauses"
        case .helloSame: "A session says the same in each Hello; each start is a new session"
        case .model: "The model specification has distinct names and a digest, and is the run's"
        case .foreignWelcome: "A Welcome for another session begins nothing"
        case .welcomeAnswered: "A Heartbeat answers the Welcome at once"
        case .sayHello: "SayHello for the own session is answered by Hello, one for another is not"
        case .heartbeats: "A Heartbeat comes at least as often as the Welcome asks"
        case .heartbeatsWhileTraining: "Heartbeats come while it trains, too"
        case .heartbeatTruth: "Activity, task and outstanding of a Heartbeat are true"
        case .foreignTask: "A Task for another session is left alone"
        case .repeatedTask: "A Task is trained once, however often it comes; an older one is left alone"
        case .newestState: "It trains on the newest state that it got, at least the Task's version"
        case .fetch: "It fetches a state that a Task needs, and again while it is missing"
        case .incompleteState: "Tensors left out of Prompts are taken from the held state, or fetched"
        case .update: "An Update names run, session, Task, a base version that was published, and samples"
        case .tensors: "An Update has the tensors of the plan in their shapes, finite, for known prompts"
        case .precision: "Tensors travel in the Welcome's dtype"
        case .resent: "An Update is sent again as it was, with growing pauses, until it is settled"
        case .acknowledged: "An acknowledged Update is not sent again"
        case .rejected: "A rejected Update is not sent again, but after OTHER_RUN it is kept"
        case .foreignSettlement: "An Ack for another Task settles nothing"
        case .restarted: "What a killed client had sent, its next process sends again as it was"
        case .failure: "A Task that comes to nothing is a Failure, again with each Heartbeat until the next Task"
        case .nextEpoch: "A greater epoch is greeted with Hello, then gets what is kept"
        case .earlierEpoch: "Messages of a smaller epoch are ignored"
        case .nextRun: "The Welcome of another run begins it: state and last Task are forgotten"
        case .otherRun: "An Update of another run is not sent, and kept until its run is back"
        case .evaluation: "Who holds samples out answers Evaluate, others leave it alone"
        case .noise: "Malformed messages and unknown fields change nothing"
        case .refused: "Refuse for the own session ends it, one for another does not"
        case .foreignEnd: "What another run says settles nothing and ends nothing"
        case .end: "The end of the run ends it: Goodbye, and nothing is kept for the run"
        case .goodbye: "Who leaves early says Goodbye"
        }
    }
}
