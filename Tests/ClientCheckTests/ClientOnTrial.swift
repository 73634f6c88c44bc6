import ClientCheck
import Dispatch
import FederationService
import Foundation
import RunLog
import TestSupport

/// Programs on trial take turns: each has deadlines, and the machine few processors.
private let turns = DispatchSemaphore(value: 4)

/// Checks a client that a command starts, on a thread of its own.
func check(
    _ command: String, in folder: String, scenes: [Scene] = Scene.allCases, keys: String? = nil, patience: Int = 30,
    model: ModelOnTrial = .small
) async throws -> [RuleFinding] {
    var settings = ClientCheckSettings(folder: RunFolder(path: folder))
    settings.command = command
    settings.keys = keys.map(KeyFolder.init(path:))
    settings.patience = .seconds(patience)
    return try await withCheckedThrowingContinuation { [settings] continuation in
        Thread.detachNewThread {
            turns.wait()
            defer { turns.signal() }
            continuation.resume(
                with: Result {
                    try ClientCheck.run(settings, model: model, scenes: scenes, ready: { _ in }, began: { _ in })
                })
        }
    }
}

/// A script of Tests/Interop.
func script(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Interop/\(name)").path
}

extension [RuleFinding] {
    var broken: [ClientRule] { filter { $0.outcome == .broken }.map(\.rule) }
    var untried: [ClientRule] { filter { $0.outcome == .untried }.map(\.rule) }
    /// What a failed test shows.
    var words: String {
        filter { $0.outcome != .kept }.map { "\($0.rule.number) \($0.outcome.rawValue): \($0.seen)" }
            .joined(separator: "; ")
    }
}
