import CSodium
import Foundation
import PromptAggregation
import PromptWire

/// The version of this program.
public let buildVersion = "0.1.0"

extension Program {
    /// What runs here.
    public static var running: Program {
        Program(
            build: identifiedBuild, kernels: AggregationKernels.chosen.rawValue,
            algorithm: AggregationAlgorithm.version)
    }

    /// The version, and the first 16 digits of the SHA-256 of the executable file that runs: unlike the name of a commit
    /// it also tells apart what two compilers made of the same sources, and `sha256sum` prints it.
    private static let identifiedBuild: String = {
        guard let bytes = try? Data(contentsOf: URL(filePath: "/proc/self/exe"), options: .mappedIfSafe) else {
            return buildVersion
        }
        return "\(buildVersion)+\(Digest(of: bytes).description.prefix(16))"
    }()

    /// In words, for a person.
    public var words: String { "impromptu \(build) on \(kernels), algorithm \(algorithm)" }
}
