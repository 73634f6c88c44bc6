import Federation
import PromptAggregation
import PromptWire

/// A version with its bytes and their digest, each made once: for the log's record and the prompts file.
package struct EncodedVersion: Sendable {
    package let prompts: AggregatorMessage.GlobalPrompts
    /// `AggregatorCodec.globalPromptsPayload` of it.
    package let payload: [UInt8]
    /// SHA-256 of the payload.
    package let digest: Digest

    package init(_ prompts: AggregatorMessage.GlobalPrompts) {
        self.prompts = prompts
        payload = AggregatorCodec.globalPromptsPayload(prompts)
        digest = Digest(of: payload)
    }

    /// The version as a file.
    /// - Parameter logOffset: bytes of the log up to and with the version's record.
    package func file(_ label: PromptsLabel, logOffset: UInt64) -> PromptsFile {
        PromptsFile(label: label, prompts: prompts, digest: "\(digest)", logOffset: logOffset)
    }
}
