import ArgumentParser
import Foundation
import PromptTuning

struct EncodersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encoders",
        abstract: "Lists the families of encoders that can be loaded.",
        discussion: """
            A family is recognised from the names of a model's tensors, or set by encoder.family. docs/encoders.md says \
            what is read from which files.
            """)

    @OptionGroup var output: OutputOptions

    func run() throws {
        let families = EncoderFamilies.descriptions
        try output.show(families) {
            let widest = families.map(\.name.count).max() ?? 0
            let space = String(repeating: " ", count: widest + 2)
            return families.flatMap { family in
                [
                    family.name.padding(toLength: widest + 2, withPad: " ", startingAt: 0) + family.models,
                    space + "saved by \(family.libraries.joined(separator: "; "))",
                    space + "\(family.features), \(family.activation), mean \(family.mean), std \(family.std)",
                ]
            }
        }
    }
}
