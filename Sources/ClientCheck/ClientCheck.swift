import FederationService
import RunLog
import RunSettings
import ZeroMQTransport

/// Tries a client of any make on an aggregator that misbehaves on purpose.
public enum ClientCheck {
    /// Ends a check under way, and the client's process with it, from any thread.
    public static func interrupt() { Interruption.set() }

    /// Plays the scenes and says what became of each rule that they try.
    /// - Parameters:
    ///   - ready: called with the endpoints once a client may connect.
    ///   - began: called at the start of each scene.
    /// - Throws: `ClientCheckError` where no client comes, `ConfigurationError`, `TransportError`, `RunFolderError`.
    public static func run(
        _ settings: ClientCheckSettings, model: ModelOnTrial, scenes: [Scene] = Scene.allCases,
        ready: (RunConfiguration.Endpoints) -> Void,
        began: (Scene) -> Void
    ) throws -> [RuleFinding] {
        let stage = try Stage(settings, model: model)
        let key = try stage.keys.map { try $0.key.publicKey().z85 }
        try settings.folder.create()
        try settings.folder.write(Rendezvous.open(stage.endpoints, key: key).text, to: settings.folder.endpoints)
        ready(stage.endpoints)
        for scene in scenes {
            guard settings.command != nil || !scene.needsCommand else {
                for rule in scene.rules { stage.book.skip(rule, "needs --client, which can start the client again") }
                continue
            }
            began(scene)
            do {
                try scene.play(on: stage)
            } catch let setback as Setback {
                stage.book.breach(setback.rule, setback.seen)
                for rule in scene.rules { stage.book.skip(rule, "the scene '\(scene.rawValue)' came to an early end") }
            }
        }
        let watched: [ClientRule] = [.form, .ownName, .helloSame]
        let tried = Set(scenes.flatMap(\.rules) + watched)
        return stage.book.findings(of: ClientRule.allCases.filter { tried.contains($0) || stage.book.isBroken($0) })
    }
}
