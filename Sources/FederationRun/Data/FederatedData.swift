import Datasets
import Federation
import PromptAggregation
import PromptTuning
import RunSettings

/// The data of a run as an encoder wants it: one training split divided over the clients, a validation split held out of
/// it, and the test split apart. Every worker finds its clients' images by itself.
package struct FederatedData {
    private let division: DataDivision
    private let input: ExampleInput

    /// Loads the training split and divides it.
    /// - Throws: `DatasetError`, `SafetensorsError`.
    package init(_ source: RunConfiguration.DataSource, encoder: FrozenEncoder) throws {
        division = try DataDivision(source)
        input = try ExampleInput(of: encoder)
    }

    /// The images of a client.
    /// - Parameter index: its index in `RunConfiguration.clients`.
    package func images(ofClient index: Int) throws -> any ExampleSource {
        try input.source(division.training, division.shares[index])
    }

    package var validation: any ExampleSource {
        get throws { try input.source(division.training, division.validation) }
    }

    /// The test split, or the part of it that the configuration asks for.
    package static func test(_ source: RunConfiguration.DataSource, encoder: FrozenEncoder) throws -> any ExampleSource
    {
        let (images, chosen) = try DataDivision.test(source)
        return try ExampleInput(of: encoder).source(images, chosen)
    }
}
