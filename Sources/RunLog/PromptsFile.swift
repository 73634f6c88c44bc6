import Federation
import PromptAggregation
import Safetensors

/// A published state as a safetensors file: its tensors under their names, and in the metadata its version, its digest,
/// the identities of its prompts and the place in the log that it came from.
public struct PromptsFile: Sendable {
    public var prompts: AggregatorMessage.GlobalPrompts
    public var digest: String
    /// Bytes of the log up to and with the record of this version; nil leaves them out.
    public var logOffset: UInt64?

    package func write(to path: String) throws {
        let identities = prompts.state.promptIDs.map(String.init).joined(separator: " ")
        var metadata = [
            "format": "impromptu.prompts.v1", "version": "\(prompts.version)", "digest": digest,
            "prompt_ids": identities,
        ]
        if let logOffset { metadata["log_offset"] = "\(logOffset)" }
        try writeSafetensors(
            prompts.state.parameters.entries.map {
                NewTensor(name: $0.name, shape: $0.tensor.shape, values: .float32($0.tensor.values))
            },
            metadata: metadata, to: path)
    }

    public init(prompts: AggregatorMessage.GlobalPrompts, digest: String, logOffset: UInt64?) {
        self.prompts = prompts
        self.digest = digest
        self.logOffset = logOffset
    }
}
