import ClientCheck
import Foundation
import TestSupport
import Testing

/// A fault of Tests/Interop/client_on_trial.py, the rule that it breaks, and the scene that shows it.
struct PlantedFault: CustomTestStringConvertible, Sendable {
    let name: String
    let rule: ClientRule
    let scene: Scene
    var options = ""
    var testDescription: String { name }

    init(_ name: String, _ rule: ClientRule, _ scene: Scene, _ options: String = "") {
        self.name = name
        self.rule = rule
        self.scene = scene
        self.options = options
    }

    static let all = [
        PlantedFault("protocol-3", .form, .heartbeats), PlantedFault("two-frames", .form, .heartbeats),
        PlantedFault("other-name", .ownName, .heartbeats),
        PlantedFault("subscribes-to-all", .subscriptions, .greeting),
        PlantedFault("topic-without-slash", .subscriptions, .greeting),
        PlantedFault("speaks-before-welcome", .helloFirst, .greeting),
        PlantedFault("hello-once", .helloRepeated, .greeting), PlantedFault("hello-steady", .helloRepeated, .greeting),
        PlantedFault("hello-changes", .helloSame, .greeting), PlantedFault("same-session-again", .helloSame, .kill),
        PlantedFault("field-twice", .model, .greeting), PlantedFault("digest-missing", .model, .greeting),
        PlantedFault("takes-foreign-welcome", .foreignWelcome, .greeting),
        PlantedFault("welcome-unanswered", .welcomeAnswered, .greeting),
        PlantedFault("says-hello-never", .sayHello, .greeting), PlantedFault("says-hello-to-any", .sayHello, .greeting),
        PlantedFault("heartbeats-rare", .heartbeats, .heartbeats),
        PlantedFault("blocks-while-training", .heartbeatsWhileTraining, .tasks, "--training 2.5"),
        PlantedFault("always-idle", .heartbeatTruth, .tasks, "--training 1"),
        PlantedFault("task-untold", .heartbeatTruth, .tasks),
        PlantedFault("outstanding-untold", .heartbeatTruth, .tasks),
        PlantedFault("takes-foreign-task", .foreignTask, .tasks), PlantedFault("trains-again", .repeatedTask, .tasks),
        PlantedFault("takes-old-state", .newestState, .states),
        PlantedFault("trains-on-old-state", .newestState, .states),
        PlantedFault("fetch-never", .fetch, .states), PlantedFault("fetch-once", .fetch, .states),
        PlantedFault("holding-untold", .fetch, .states),
        PlantedFault("fills-with-zeros", .incompleteState, .states),
        PlantedFault("takes-stale-tensors", .incompleteState, .states),
        PlantedFault("wrong-session", .update, .tasks), PlantedFault("unpublished-base", .update, .tasks),
        PlantedFault("no-samples", .update, .tasks),
        PlantedFault("sends-fixed", .tensors, .tasks), PlantedFault("leaves-bias-out", .tensors, .tasks),
        PlantedFault("wrong-shape", .tensors, .tasks), PlantedFault("not-finite", .tensors, .tasks),
        PlantedFault("unknown-prompts", .tensors, .tasks),
        PlantedFault("always-float32", .precision, .runs),
        PlantedFault("update-once", .resent, .resending), PlantedFault("resend-steady", .resent, .resending),
        PlantedFault("resends-forever", .acknowledged, .tasks),
        PlantedFault("reject-ignored", .rejected, .resending),
        PlantedFault("drops-for-other-run", .rejected, .resending),
        PlantedFault("any-ack-settles", .foreignSettlement, .resending),
        PlantedFault("kept-in-memory", .restarted, .kill), PlantedFault("takes-over-session", .restarted, .kill),
        PlantedFault("failure-once", .failure, .failure), PlantedFault("failure-for-ever", .failure, .failure),
        PlantedFault("fails-silently", .failure, .failure),
        PlantedFault("greets-no-epoch", .nextEpoch, .restart), PlantedFault("loses-at-restart", .nextEpoch, .restart),
        PlantedFault("hears-earlier-epochs", .earlierEpoch, .restart),
        PlantedFault("remembers-run", .nextRun, .runs), PlantedFault("sends-to-other-run", .otherRun, .runs),
        PlantedFault("drops-other-runs", .otherRun, .runs),
        PlantedFault("evaluates-wrongly", .evaluation, .evaluation),
        PlantedFault("evaluates-old", .evaluation, .evaluation, "--held-out 5"),
        PlantedFault("evaluates-few", .evaluation, .evaluation, "--held-out 5"),
        PlantedFault("takes-any-frames", .noise, .noise), PlantedFault("takes-any-protocol", .noise, .noise),
        PlantedFault("dies-of-noise", .noise, .noise),
        PlantedFault("refuse-ignored", .refused, .fencing), PlantedFault("hears-foreign-refuse", .refused, .fencing),
        PlantedFault("hears-other-runs", .foreignEnd, .runs), PlantedFault("any-end-ends", .foreignEnd, .runs),
        PlantedFault("end-ignored", .end, .end), PlantedFault("keeps-after-end", .end, .end),
        PlantedFault("speaks-after-goodbye", .end, .end),
        PlantedFault("leaves-silently", .goodbye, .leaving),
    ]
}

/// Each rule is broken by a client on purpose, and the check says so.
@Suite struct PlantedFaultTests {
    @Test func eachRuleHasAFaultAndEachFaultARule() async throws {
        #expect(Set(PlantedFault.all.map(\.rule)) == Set(ClientRule.allCases))
        #expect(
            PlantedFault.all.allSatisfy {
                $0.scene.rules.contains($0.rule) || [.form, .ownName].contains($0.rule) || $0.rule == .helloSame
            })
        guard let python else { return }
        try await inTemporaryFolder { folder in
            let process = try LiveProcess(
                python, [script("client_on_trial.py"), "--faults"], log: "\(folder)/log", results: nil)
            #expect(try await process.exitCode() == 0)
            #expect(process.output.split(separator: "\n").map(String.init) == PlantedFault.all.map(\.name).sorted())
        }
    }

    @Test(
        .enabled(if: python != nil, "IMPROMPTU_PYTHON names no Python with pyzmq, protobuf and numpy"),
        arguments: PlantedFault.all)
    func isCaught(_ planted: PlantedFault) async throws {
        try await inTemporaryFolder { folder in
            let findings = try await check(
                "\(try #require(python)) \(script("client_on_trial.py")) {updates} {prompts} \(folder)/outbox"
                    + " --fault \(planted.name) \(planted.options)",
                in: folder, scenes: [planted.scene])
            #expect(findings.broken.contains(planted.rule), "\(findings.words)")
        }
    }
}
