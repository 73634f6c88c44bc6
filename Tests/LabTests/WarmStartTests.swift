import Federation
import FederationRun
import Foundation
import Lab
import PromptAggregation
import PromptWire
import RunLog
import RunSettings
import TestSupport
import Testing

/// A run that begins with the prompts of an earlier one.
@Suite(.serialized) struct WarmStartTests {
    private func earlier(_ name: String) throws -> EarlierPrompts {
        try EarlierPrompts(TunedModel(name).file, named: name)
    }

    @Test func theNewRunBeginsWithTheVersionAndReplays() throws {
        try withTemporaryFolder { folder in
            let first = try simulateSmallRun(folder + "/first")
            let tuned = try TunedModel(first.path + ":3")
            let second = try simulateSmallRun(
                folder + "/second", ["run.updates=6", "run.seed=8", "prompts.pool=9"],
                earlier: earlier(first.path + ":3"))
            var initial: PromptState?
            let replay = try Replay(path: second.log) { step in
                if case .began(_, let state) = step { initial = state }
                if case .checked(let publication) = step { #expect(publication.isEqual) }
            }
            #expect(initial == tuned.file.prompts.state)
            let start = try #require(replay.header?.warmStart)
            #expect(start.run == "first" && start.version == 3 && start.digest == tuned.file.digest)
            #expect(start.runID == tuned.file.label.runID)
            let inspection = try RunInspection(log: second.log)
            #expect(inspection.startedFrom == start && inspection.versions[0].version == 1)
            #expect(try RunInspection(log: first.log).startedFrom == nil)
            #expect(try Report(paths: [second.path]).markdown.contains("version 3 of first"))
        }
    }

    @Test func aPromptsFileDoesAsWellAndAnotherStrategyBeginsItsOwnPart() throws {
        try withTemporaryFolder { folder in
            let first = try simulateSmallRun(folder + "/first", ["strategy.name=scaffold"])
            let newest = try TunedModel(first.prompts).file.prompts
            #expect(newest.state.parameters.names.contains(Parameters.control(of: Parameters.prompts)))
            let copy = folder + "/prompts-of-a-friend.safetensors"
            try FileManager.default.copyItem(atPath: first.prompts, toPath: copy)
            try FileManager.default.removeItem(atPath: first.path)
            let settings = ["run.updates=4"]
            let second = try simulateSmallRun(folder + "/second", settings, earlier: earlier(copy))
            let header = try #require(try Replay(path: second.log).header)
            #expect(header.warmStart?.version == newest.version)
            #expect(header.initial?.state.prompts == newest.state.prompts)
            #expect(header.initial?.state.parameters.names.contains { $0.hasPrefix("control.") } == false)
        }
    }

    @Test func furtherClassesGetFreshRows() throws {
        try withTemporaryFolder { folder in
            let run = try simulateSmallRun(folder)
            let file = try TunedModel(run.path).file
            let (weight, bias) = (Parameters.headWeight, Parameters.headBias)
            var model = file.label.model
            model.classes += ["gloves", "scarves"]
            var fresh = file.prompts.state
            let width = fresh.parameters[weight]!.shape[1]
            fresh.parameters[weight] = Tensor(shape: [12, width], values: (0..<12 * width).map(Float.init))
            fresh.parameters[bias] = Tensor(shape: [12], values: (0..<12).map(Float.init))
            let state = try EarlierPrompts(file, named: "it").state(insteadOf: fresh, of: model)
            let before = file.prompts.state.parameters
            #expect(state.prompts == file.prompts.state.prompts)
            #expect(state.parameters[bias]!.values == before[bias]!.values + [10, 11])
            #expect(state.parameters[weight]!.shape == [12, width])
            #expect(state.parameters[weight]!.values.prefix(10 * width).elementsEqual(before[weight]!.values))
            #expect(
                state.parameters[weight]!.values.suffix(2 * width)
                    .elementsEqual((10 * width..<12 * width).map(Float.init)))
        }
    }

    @Test func anotherModelIsRefusedWithTheFirstFieldThatDiffers() throws {
        try withTemporaryFolder { folder in
            let run = try simulateSmallRun(folder)
            let file = try TunedModel(run.path).file
            let model = file.label.model
            let changes: [(String, (inout ModelDescription) -> Void)] = [
                ("classes: expected '10', found '9'", { $0.classes.removeLast() }),
                ("classes[1]: expected '\(model.classes[1])', found 'hat'", { $0.classes[1] = "hat" }),
                ("image.size: expected '\(model.image?.size ?? 0)', found '48'", { $0.image?.size = 48 }),
                ("encoder.digest: expected '\(model.encoder.digest)', found 'x'", { $0.encoder.digest = "x" }),
                (
                    "encoder.precision: expected 'float32', found 'bfloat16'", { $0.encoder.precision = .bfloat16 }
                ),
                ("prompts.blocks: expected '1', found '2'", { $0.prompts.blocks = 2 }),
            ]
            for (expected, change) in changes {
                var other = model
                change(&other)
                let error = #expect(throws: ConfigurationError.self) {
                    _ = try EarlierPrompts(file, named: "it").state(insteadOf: file.prompts.state, of: other)
                }
                let words = error?.description ?? ""
                #expect(words == "--from it: belongs to another model than this run's: \(expected)")
            }
        }
    }

    @Test func valuesThatWereChangedAreRefused() throws {
        try withTemporaryFolder { folder in
            let run = try simulateSmallRun(folder)
            var file = try TunedModel(run.path).file
            file.prompts.state.parameters[Parameters.headBias]!.values[0] += 1
            let error = #expect(throws: ConfigurationError.self) { try EarlierPrompts(file, named: "it") }
            #expect(error?.description.contains("expected values with the digest \(file.digest)") == true)
        }
    }
}
