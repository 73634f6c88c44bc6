import Federation
import PromptTuning
import RunLog
import RunSettings
import Synchronization

/// What a run reads and never changes. Runs with the same materials can share them, also while they run side by side.
public struct RunMaterials: Sendable {
    package let encoder: FrozenEncoder
    /// Of the weights' file.
    package let encoderDigest: String
    package let data: RunData

    /// Loads them.
    /// - Throws: what is wrong with data or encoder.
    package init(of configuration: RunConfiguration) throws {
        encoder = try configuration.loadEncoder()
        encoderDigest = "\(try Digest(ofFiles: encoder.filePaths))"
        data = try RunData(
            configuration.data, encoder: encoder, withTest: configuration.simulation.evaluatesTest)
    }

    init(encoder: FrozenEncoder, encoderDigest: String, data: RunData) {
        self.encoder = encoder
        self.encoderDigest = encoderDigest
        self.data = data
    }
}

/// The images of all clients of a run and those held out, with the class features that are known of them so far.
package final class RunData: Sendable {
    /// By the clients' indexes in `RunConfiguration.clients`.
    package let clients: [TuningDataset]
    package let validation: TuningDataset
    package let test: TuningDataset?
    private let parts = Mutex<[ObjectIdentifier: [TuningDataset]]>([:])

    init(_ source: RunConfiguration.DataSource, encoder: FrozenEncoder, withTest: Bool) throws {
        let data = try FederatedData(source, encoder: encoder)
        clients = try (0..<source.clients).map { try TuningDataset(data.images(ofClient: $0)) }
        validation = try TuningDataset(data.validation)
        test = withTest ? try TuningDataset(FederatedData.test(source, encoder: encoder)) : nil
    }

    /// Some images dealt out to the clients in turn; where there are fewer images than clients, the last get none and
    /// have no part.
    package func dealt(_ images: TuningDataset) throws -> [TuningDataset] {
        try parts.withLock { parts in
            if let known = parts[ObjectIdentifier(images)] { return known }
            let made = try (0..<min(clients.count, images.count)).map { client in
                try TuningDataset(
                    Self.picked(
                        Array(stride(from: client, to: images.count, by: clients.count)), of: images.source))
            }
            parts[ObjectIdentifier(images)] = made
            return made
        }
    }
}

/// Loads the materials of many runs: each encoder once, and the data of the last few kinds of run.
package final class MaterialStore: Sendable {
    private struct DataKey: Hashable {
        var source: RunConfiguration.DataSource
        var encoder: RunConfiguration.Encoder
        var withTest: Bool
    }
    private struct Shelf {
        var encoders: [RunConfiguration.Encoder: (encoder: FrozenEncoder, digest: String)] = [:]
        /// The last used at the end.
        var data: [(key: DataKey, data: RunData)] = []
    }
    private let shelf = Mutex(Shelf())
    private let capacity: Int

    /// - Parameter capacity: kinds of data to hold at a time, at least 1.
    package init(capacity: Int) { self.capacity = capacity }

    /// - Throws: what is wrong with data or encoder.
    package func materials(of configuration: RunConfiguration) throws -> RunMaterials {
        try shelf.withLock { shelf in
            let key = DataKey(
                source: configuration.data, encoder: configuration.encoder,
                withTest: configuration.simulation.evaluatesTest)
            let (encoder, digest) = try Self.encoder(of: configuration, in: &shelf)
            let place = shelf.data.firstIndex { $0.key == key }
            let data =
                try place.map { shelf.data.remove(at: $0).data }
                ?? RunData(key.source, encoder: encoder, withTest: key.withTest)
            shelf.data.append((key, data))
            if shelf.data.count > capacity { shelf.data.removeFirst() }
            return RunMaterials(encoder: encoder, encoderDigest: digest, data: data)
        }
    }

    /// The digest of the weights that a configuration names.
    package func encoderDigest(of configuration: RunConfiguration) throws -> String {
        try shelf.withLock { try Self.encoder(of: configuration, in: &$0).digest }
    }

    private static func encoder(
        of configuration: RunConfiguration, in shelf: inout Shelf
    ) throws -> (encoder: FrozenEncoder, digest: String) {
        if let known = shelf.encoders[configuration.encoder] { return known }
        let encoder = try configuration.loadEncoder()
        let loaded = (encoder, "\(try Digest(ofFiles: encoder.filePaths))")
        shelf.encoders[configuration.encoder] = loaded
        return loaded
    }
}
