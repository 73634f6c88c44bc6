import Datasets
import Federation
import PromptAggregation
import PromptTuning
import RunLog
import RunSettings

/// A client that a worker hosts, with its images.
package struct ClientImages: Sendable {
    package let client: ClientID
    /// What it tunes on.
    package let training: TuningDataset
    /// What it holds out to evaluate versions on; nil where it holds out nothing.
    package let heldOut: TuningDataset?
    /// What was found where a client has images of its own, in words for a person; nil where a data set is divided.
    package let found: Found?

    package struct Found: Equatable, Sendable {
        /// All that are used.
        package var images: Int
        /// What they are, for a person: `images` or `texts`.
        package var examples: String
        package var heldOut: Int
        /// Of the federation.
        package var classes: Int
        package var missingClasses: [String]
        /// What is not used, a reason each.
        package var omitted: [String]
    }

    /// The clients that a worker hosts: those with images of their own where the configuration names such
    /// (`worker.clients`), else some of those among whom the data set is divided.
    /// - Parameter places: indexes of the latter in `RunConfiguration.clients`.
    /// - Throws: `ConfigurationError`, `DatasetError`, `SafetensorsError`; each names the client's path.
    package static func hosted(
        by configuration: RunConfiguration, at places: [Int], encoder: FrozenEncoder
    ) throws -> [ClientImages] {
        configuration.worker.clients.isEmpty
            ? try divided(of: configuration, among: places, encoder: encoder)
            : try own(of: configuration, encoder: encoder)
    }

    package static func own(of configuration: RunConfiguration, encoder: FrozenEncoder) throws -> [ClientImages] {
        let classes = try ClassList(configuration.data.classNames)
        let input = try ExampleInput(of: encoder)
        return try configuration.worker.clients.map { try own($0, configuration.data, classes, input) }
    }

    private static func own(
        _ site: RunConfiguration.Worker.Site, _ source: RunConfiguration.DataSource, _ classes: ClassList,
        _ input: ExampleInput
    ) throws -> ClientImages {
        let images = try SiteImages.open(site.data, classes: classes, unreadable: source.unreadable)
        let parts = try images.divided(holdingOut: source.heldOut, seed: source.seed)
        func prepared(_ part: SiteImages.Part) throws -> TuningDataset {
            try TuningDataset(input.source(part.images, part.indices))
        }
        return ClientImages(
            client: site.name, training: try prepared(parts.training), heldOut: try parts.heldOut.map(prepared),
            found: Found(
                images: parts.training.indices.count + (parts.heldOut?.indices.count ?? 0),
                examples: images.training.holdsTexts ? "texts" : "images",
                heldOut: parts.heldOut?.indices.count ?? 0, classes: classes.names.count,
                missingClasses: images.missingClasses, omitted: images.omitted.map(\.description)))
    }

    /// None of these holds anything out.
    private static func divided(
        of configuration: RunConfiguration, among places: [Int], encoder: FrozenEncoder
    ) throws -> [ClientImages] {
        let data = try FederatedData(configuration.data, encoder: encoder)
        let names = configuration.clients
        if let stranger = places.first(where: { !names.indices.contains($0) }) {
            throw ConfigurationError("client \(stranger): expected 0 to \(names.count - 1) (data.clients)")
        }
        return try places.map {
            ClientImages(
                client: names[$0], training: try TuningDataset(try data.images(ofClient: $0)), heldOut: nil, found: nil)
        }
    }
}

extension ClientImages.Found: CustomStringConvertible {
    package var description: String {
        let missing = missingClasses.isEmpty ? "" : ", none of \(missingClasses.joined(separator: ", "))"
        let parts = [
            "\(images) \(examples), \(heldOut) of them held out",
            "\(classes - missingClasses.count) of \(classes) classes\(missing)",
        ]
        return (parts + omitted).joined(separator: "; ")
    }
}
