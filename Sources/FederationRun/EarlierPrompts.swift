import Federation
import PromptAggregation
import PromptWire
import RunLog
import RunSettings

/// A version of an earlier run that a new run begins with.
public struct EarlierPrompts: Sendable {
    private let name: String
    private let file: PromptsFile

    /// - Parameter name: how the user names it, for errors.
    /// - Throws: `ConfigurationError` where the values are not those that the file's digest is of.
    public init(_ file: PromptsFile, named name: String) throws {
        self.name = name
        self.file = file
        let digest = Digest(of: AggregatorCodec.globalPromptsPayload(file.prompts))
        guard "\(digest)" == file.digest else {
            throw problem("expected values with the digest \(file.digest), found \(digest): they were changed")
        }
        for text in [file.label.run, file.label.runID] where text.utf8.count > WireLimits().labelBytes {
            throw problem("expected a run's name and number of at most \(WireLimits().labelBytes) bytes each")
        }
    }

    /// What the log's first record says of it.
    package var warmStart: WarmStart {
        WarmStart(run: file.label.run, runID: file.label.runID, version: file.prompts.version, digest: file.digest)
    }

    /// What the new run begins with: the values and the pool of the earlier one. Where the new classes extend the earlier
    /// ones, the head's further rows are the fresh ones. What a strategy adds for its own use (control variates, sums over
    /// classes, a generator) is left behind.
    ///
    /// - Parameters:
    ///   - fresh: what the new run would begin with otherwise.
    ///   - model: of the new run.
    /// - Throws: `ConfigurationError` naming the first field that differs.
    package func state(insteadOf fresh: PromptState, of model: ModelDescription) throws -> PromptState {
        let earlier = file.label.model
        var comparable = model
        comparable.classes = Array(model.classes.prefix(earlier.classes.count))
        if let difference = comparable.specification.difference(from: earlier.specification) {
            throw problem("belongs to another model than this run's: \(difference)")
        }
        let state = file.prompts.state
        var tensors = fresh.parameters.names.filter { !Parameters.isFixed($0) }
        tensors += state.parameters.names.filter(Parameters.isFixed)
        let parameters: [(name: String, tensor: Tensor)] = try tensors.map { name in
            guard let tensor = state.parameters[name] else { throw problem("expected a tensor '\(name)', found none") }
            return (name, try fitted(tensor, name, to: fresh.parameters[name], classes: earlier.classes.count))
        }
        return PromptState(parameters: Parameters(parameters), promptIDs: state.promptIDs)
    }

    /// A tensor with the rows that it lacks. The pool may have any number of rows, and the head as many as the earlier run
    /// had classes.
    private func fitted(_ tensor: Tensor, _ name: String, to fresh: Tensor?, classes: Int) throws -> Tensor {
        guard let fresh else { return tensor }
        var expected = fresh.shape
        if name == Parameters.prompts { expected[0] = tensor.shape[0] }
        let isByClass = name == Parameters.headWeight || name == Parameters.headBias
        if isByClass { expected[0] = classes }
        guard tensor.shape == expected else {
            throw problem("\(name): expected the shape \(expected), found \(tensor.shape)")
        }
        guard isByClass else { return tensor }
        return Tensor(shape: fresh.shape, values: tensor.values + fresh.values[tensor.values.count...])
    }

    /// - Throws: `ConfigurationError` where a run that exists began with something else.
    package func requireBeginning(of header: RunHeader) throws {
        guard header.warmStart != warmStart else { return }
        let beginning = header.warmStart.map { "version \($0.version) of \($0.run)" } ?? "no earlier prompts"
        throw problem(
            "the run began with \(beginning) and not with version \(warmStart.version) of \(warmStart.run);"
                + " leave --from out to continue it")
    }

    private func problem(_ words: String) -> ConfigurationError { ConfigurationError("--from \(name): \(words)") }
}
