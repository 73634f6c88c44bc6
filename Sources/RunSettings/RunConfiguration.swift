import Datasets
import Federation
import Foundation
import PromptAggregation

/// All settings of a run: one file serves the aggregator and the workers.
public struct RunConfiguration: Sendable {
    public var federation: FederationConfiguration
    /// A live aggregator keeps a snapshot after so many versions; 0 for never.
    public var snapshotVersions: Int
    public var log: Log
    public var endpoints: Endpoints
    /// Which address to advertise where a wildcard is bound (`ReachableAddress`).
    public var advertise: String
    public var security: Security
    public var strategy: Strategy
    public var prompts: Prompts
    public var head: Head
    public var encoder: Encoder
    /// SHA-256 of the encoder's weights, empty while they were not read.
    public private(set) var encoderDigest: String
    public var data: DataSource
    public var evaluation: Evaluation
    public var worker: Worker
    /// How clients protect what they send; nil sends it as it is.
    public var privacy: ClientPrivacy?
    public var simulation: Virtual
    var effective: EffectiveConfiguration

    /// How the log's files are kept.
    public struct Log: Hashable, Sendable {
        /// A new segment begins when the present one has so many bytes.
        public var segmentBytes: UInt64
        /// The segments that are kept, with the one that is written; nil for all.
        public var keptSegments: Int?
        /// The oldest segments are removed while all together have more bytes; nil for no bound.
        public var keptBytes: UInt64?
        /// Segments whose records are all older are removed; nil for no bound.
        public var keptAge: Duration?
        /// Whether segments are compressed once another follows them.
        public var compresses: Bool
    }

    /// The section `endpoints`.
    public struct Endpoints: Hashable, Sendable {
        /// Where clients push their messages (PULL).
        public var updates: String
        /// Where the aggregator publishes (XPUB).
        public var prompts: String

        public init(updates: String, prompts: String) {
            self.updates = updates
            self.prompts = prompts
        }

        /// Asks for two addresses; a wildcard for the port stands for another port each time.
        func check(_ reader: ConfigurationReader) {
            let isOnePort = updates == prompts && !updates.hasSuffix(":*") && !updates.hasSuffix(":0")
            reader.require(
                !isOnePort,
                "endpoints.prompts: expected another address than endpoints.updates, found \(prompts) for both")
        }
    }

    /// The section `security`.
    public struct Security: Hashable, Sendable {
        /// The folder of the run's keys (`KeyFolder`); nil for neither encryption nor authentication.
        public var keys: String?
        /// The aggregator's public key, nil for the one in the folder.
        public var aggregatorKey: String?
        /// Whether anybody who reaches the endpoints may take part where there are no keys.
        public var openNetwork: Bool
    }

    /// The section `strategy`: a strategy's name, and its settings as written.
    public struct Strategy: Hashable, Sendable {
        public var name: String
        public var settings: [Setting]
        /// One setting, as written.
        public struct Setting: Hashable, Sendable {
            public var key: String
            public var value: String
        }
    }

    /// The section `prompts`.
    public struct Prompts: Hashable, Sendable {
        /// Prompts in the pool at the start.
        public var pool: Int
        /// Blocks of the encoder that prompts of their own stand before; 1 for shallow prompts.
        public var depth: Int
        /// The first of them, from 0.
        public var firstBlock: Int
        /// Factor of the range that the first prompts are drawn from.
        public var initialScale: Double
        public var keyProjection: Bool
        /// Whether the aggregator whitens the class feature by its validation images before the run begins.
        public var whitening: Bool
    }

    /// The section `head`.
    public struct Head: Hashable, Sendable {
        /// Values of the hidden layer; 0 for a linear head.
        public var hidden: Int
        /// Whether the head reads the outputs of the encoder's own frozen classifier.
        public var onClassifier: Bool
        /// Whether each client keeps a head of its own.
        public var personal: Bool
    }

    /// The section `encoder`.
    public struct Encoder: Hashable, Sendable {
        /// The folder with model.safetensors and config.json; empty for the bundled one.
        public var path: String
        /// The family of models that the weights are of; nil where they say it themselves (docs/encoders.md).
        public var family: String?
        /// Height and width of the images, nil for what the model was trained on.
        public var imageSize: Int?
        /// Tokens of a text that are read, nil for what the model's files say.
        public var maximumLength: Int?
        /// What the products with the weights of its blocks are computed in.
        public var precision: EncoderPrecision
        /// Bytes of memory for what the blocks before `prompts.first_block` make of examples.
        public var cacheBytes: Int
    }

    /// The section `data`, and the classes of the section `model`.
    public struct DataSource: Hashable, Sendable {
        /// The classes in the order of their numbers; nil for those of the data set.
        public var classes: ClassList?
        /// `undivided` where every participant has images of its own.
        public var dataset: String
        /// Of a participant's own images, the share that it holds out.
        public var heldOut: Double
        public var path: String
        /// What becomes of image files that cannot be read.
        public var unreadable: UnreadableImages
        /// Images drawn from the training split, divided over the clients; 0 for all.
        public var trainingSamples: Int
        /// Held out from the training split.
        public var validationSamples: Int
        /// Images of the test split; 0 for all.
        public var testSamples: Int
        public var clients: Int
        public var partition: String
        public var alpha: Double
        public var minimumSamples: Int
        /// Whether each client holds images of one source alone.
        public var bySource: Bool
        /// The first class's training images over the last one's; 1 for no long tail.
        public var imbalanceFactor: Double
        public var seed: UInt64
    }

    /// The section `evaluation`.
    public struct Evaluation: Hashable, Sendable {
        /// The least time between two evaluations on the validation split; nil evaluates none during the run.
        public var interval: Duration?
        /// Clients evaluate every so many versions on what they hold out, and the last one; 0 for never.
        public var clientVersions: Int
        public var threads: Int
        /// How prompts are picked for images that nothing is trained on.
        public var selection: PromptSelectionRule
    }

    /// What a simulation takes for the speed of machines and network.
    public struct Virtual: Hashable, Sendable {
        /// To tune one image, at speed 1.
        public var imageSeconds: Double
        /// σ of the logarithm of the clients' speeds; 0 makes all alike.
        public var speedSpread: Double
        /// One way between client and aggregator.
        public var latency: Duration
        /// Used updates from one evaluation to the next; 0 goes by `Evaluation.interval`.
        public var evaluationUpdates: Int
        /// Whether the test split is evaluated as often as the validation split.
        public var evaluatesTest: Bool
        /// Where clients keep a part of the model: whether the images are dealt out to them, not shown to each whole.
        public var dealsViews: Bool

        /// Draws a client's speed, 1 in the median.
        package func speed(_ random: inout SeededRandom) -> Double { exp(speedSpread * random.nextNormal()) }
    }

    /// The section `worker`.
    public struct Worker: Hashable, Sendable {
        public var threads: Int
        /// The folder where updates are kept until they are settled; nil keeps them in memory alone.
        public var outbox: String?
        /// How long a worker that is asked to stop continues its trainings.
        public var grace: Duration
        public var delay: DelayModel
        /// Clients with images of their own, ascending by name; none where the data set is divided.
        public var clients: [Site]

        /// A client and where its images are.
        public struct Site: Hashable, Sendable {
            public var name: ClientID
            public var data: String
        }
    }
}

extension RunConfiguration {
    /// Reads all settings; unknown keys and wrong values are refused by name.
    public init(_ layers: ConfigurationLayers) throws {
        let reader = ConfigurationReader(layers)
        let seed = try reader.seed("run.seed", 1, "seeds the choice of clients, the data's partition and the tuning")
        let stop = StopCondition(
            versions: try reader.integer("run.versions", 0, 0...Int.max, "the run ends at this version; 0 for never"),
            updates: try reader.integer(
                "run.updates", 0, 0...Int.max, "the run ends after this many updates; 0 for never"),
            duration: try Self.optional(
                reader.seconds("run.seconds", 0, 0...1e9, "the run ends after this time, in seconds; 0 for never")))
        snapshotVersions = try reader.integer(
            "run.snapshot_versions", 20, 0...Int.max,
            "recovery starts from a snapshot, kept after so many versions, and not before the log has grown by four times"
                + " its size;"
                + " 0 for none")
        log = try Log(reader)
        endpoints = Endpoints(
            updates: try reader.text("endpoints.updates", "tcp://127.0.0.1:5601", "where clients push their messages"),
            prompts: try reader.text("endpoints.prompts", "tcp://127.0.0.1:5602", "where the aggregator publishes"))
        advertise = try reader.text(
            "endpoints.advertise", "",
            "what to advertise to workers for tcp://*: an interface (ib0), a network (10.1.0.0/16), an address or a name;"
                + " empty for the address of the default route")
        security = Security(
            keys: try Self.optional(
                reader.text(
                    "security.keys", "",
                    "folder of keys that 'impromptu keys make' made; empty for neither encryption nor authentication")),
            aggregatorKey: try Self.optional(
                reader.text(
                    "security.aggregator_key", "",
                    "the aggregator's public key; empty for aggregator.public in security.keys")),
            openNetwork: try reader.flag(
                "security.open_network", false,
                "without keys: bind addresses that others can reach, and let anybody take part"))
        federation = try FederationConfiguration(reader, seed: seed, stop: stop)
        let strategyName = try reader.choice(
            "strategy.name", "pfpt-async", of: StrategyCatalog.names, "how contributions become the next version")
        strategy = try Strategy(name: strategyName, reader)
        prompts = Prompts(
            pool: try reader.integer("prompts.pool", 20, 1...65_536, "prompts in the pool at the start"),
            depth: try reader.integer(
                "prompts.depth", 1, 1...1000, "blocks that prompts of their own stand before; 1 for shallow prompts"),
            firstBlock: try reader.integer(
                "prompts.first_block", 0, 0...999,
                "the first block that prompts stand before, from 0; the blocks before it see no prompt"),
            initialScale: try reader.number(
                "prompts.initial_scale", 1, 1e-6...100, "factor of the range that the first prompts are drawn from"),
            keyProjection: try reader.flag(
                "prompts.key_projection", false, "tune a projection of the class feature that prompts are picked by"),
            whitening: try reader.choice(
                "prompts.feature_whitening", "none", of: ["none", "validation"],
                "images that the whitening of the class feature before the head is estimated from") == "validation")
        let limit = strategy.poolLimit
        reader.require(
            limit == 0 || prompts.pool <= limit,
            "prompts.pool: expected at most strategy.pool_limit (\(limit)), found \(prompts.pool)")
        head = try Head(reader)
        reader.require(
            !head.onClassifier || !prompts.whitening,
            "head.on_classifier: expected prompts.feature_whitening none beside it, found validation")
        federation.plan = try TrainingPlan(reader)
        federation.plan.firstBlock = prompts.firstBlock
        if head.personal { federation.plan.personal = .head }
        federation.schedule = try LearningRateSchedule(reader, runVersions: stop.versions)
        do {
            try StrategyCatalog.adapt(
                &federation.plan, to: strategyName,
                settings: StrategySettings(strategy.settings.map { ($0.key, $0.value) }))
        } catch {
            throw ConfigurationError("\(error)")
        }
        reader.require(
            !head.personal || !federation.plan.classMeans,
            "head.personal: expected false with strategy.name \(strategyName), found true")
        encoder = Encoder(
            path: try reader.text(
                "encoder.path", "", "folder with model.safetensors and config.json; empty for the bundled ViT"),
            family: try Self.optional(
                reader.text(
                    "encoder.family", "",
                    "the family of models that the weights are of; empty where they say it themselves")),
            imageSize: try reader.integer(
                "encoder.image_size", 0, 0...8192, "height and width of the images; 0 for what it was trained on"
            ).nonZero,
            maximumLength: try reader.integer(
                "encoder.maximum_length", 0, 0...65_536,
                "tokens of a text that are read; 0 for what the model's files say"
            ).nonZero,
            precision: EncoderPrecision(
                rawValue: try reader.choice(
                    "encoder.precision", EncoderPrecision.float32.rawValue,
                    of: EncoderPrecision.allCases.map(\.rawValue),
                    "what products with the weights of its blocks are computed in"))!,
            cacheBytes: try reader.integer(
                "encoder.cache_bytes", 1 << 28, 0...(1 << 50),
                "bytes of memory in which a process keeps what the blocks before prompts.first_block make of examples"))
        encoderDigest = try reader.text(
            "encoder.digest", "", "clients with other weights are refused; empty for those of encoder.path")
        data = try DataSource(reader, seed: seed)
        evaluation = try Evaluation(reader)
        federation.evaluateEvery = evaluation.clientVersions
        data.check(whitening: prompts.whitening, reader)
        endpoints.check(reader)
        worker = Worker(
            threads: try reader.integer("worker.threads", 1, 1...256, "threads of a worker's tuning"),
            outbox: try Self.optional(
                reader.text(
                    "worker.outbox", "outbox",
                    "folder where a worker keeps updates on disk until they are acknowledged, one for each run; empty"
                        + " keeps them in memory")),
            grace: try reader.seconds(
                "worker.grace_seconds", 10, 0...86_400,
                "a worker that is asked to stop finishes its trainings if it can in this time, else abandons them"),
            delay: try DelayModel(reader), clients: try Worker.sites(reader))
        privacy = try ClientPrivacy(reader)
        simulation = try Virtual(reader)
        effective = reader.declared
        checkPrivacy(reader)
        try reader.finish()
    }

    /// Reads YAML files, the environment and `--set` assignments, each above what came before.
    /// - Parameter base: YAML below all of them.
    public static func load(
        base: String = "", files: [String], environment: [String: String] = ProcessInfo.processInfo.environment,
        assignments: [String] = []
    ) throws -> RunConfiguration {
        var layers = ConfigurationLayers()
        try layers.add(yaml: base, name: "the built-in configuration")
        for file in files {
            try layers.add(yaml: ConfigurationLayers.text(of: file, "the configuration file"), name: file)
        }
        layers.add(environment: environment)
        for assignment in assignments { try layers.add(assignment: assignment) }
        return try RunConfiguration(layers)
    }

    /// All of it as YAML, with the defaults: what the run folder and the log's first record hold.
    public var yaml: String { effective.yaml() }

    /// The same without the section `strategy`, to try another strategy in its standard settings.
    package var yamlWithoutStrategy: String { effective.yaml(without: "strategy") }

    /// Every key with the value in force, in the order of the sections.
    var settings: [(key: String, value: String)] { effective.entries.map { ($0.key, $0.value) } }

    /// Fixes the encoder that clients must have, unless the configuration does.
    /// - Throws: `ConfigurationError` when the weights at hand are not the ones that it names.
    package mutating func fixEncoder(digest: String) throws {
        guard encoderDigest.isEmpty || encoderDigest == digest else {
            throw ConfigurationError("encoder.digest: expected \(encoderDigest), found weights with \(digest)")
        }
        encoderDigest = digest
        effective.set("encoder.digest", to: digest)
    }

    /// Why the published states alone classify nothing, nil when they do.
    package var unpublishedPart: String? {
        switch federation.plan.personal {
        case .nothing: nil
        case .head: "every client keeps a head of its own, which is not published; impromptu simulate evaluates them"
        case .everything: "every client keeps all of its values to itself; impromptu simulate evaluates them"
        }
    }

    package static func optional(_ duration: Duration) -> Duration? { duration > .zero ? duration : nil }
    package static func optional(_ text: String) -> String? { text.isEmpty ? nil : text }

    /// The names of the clients among whom the data is divided.
    public var clients: [ClientID] {
        let digits = max(2, String(data.clients - 1).count)
        return (0..<data.clients).map {
            let number = String($0)
            return ClientID("client-" + String(repeating: "0", count: digits - number.count) + number)
        }
    }
}

extension Int {
    /// nil for 0.
    fileprivate var nonZero: Int? { self == 0 ? nil : self }
}
