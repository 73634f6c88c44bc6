import Datasets
import Federation
import PromptAggregation

extension RunConfiguration.Log {
    init(_ reader: ConfigurationReader) throws {
        func bound(_ key: String, _ help: String) throws -> Int? {
            let value = try reader.integer(key, 0, 0...Int.max, help)
            return value == 0 ? nil : value
        }
        segmentBytes = UInt64(
            try reader.integer(
                "log.segment_bytes", 256 << 20, 4096...Int.max,
                "the log continues in another file once the present one has so many bytes, and four times those of the"
                    + " state that it begins with"))
        keptSegments = try bound(
            "log.keep_segments", "the oldest files of the log are removed where there are more; 0 keeps all")
        keptBytes = try bound(
            "log.keep_bytes", "the oldest files of the log are removed while all together have more bytes; 0 keeps all"
        ).map { UInt64($0) }
        keptAge = RunConfiguration.optional(
            .seconds(
                86_400
                    * (try reader.number(
                        "log.keep_days", 0, 0...100_000,
                        "files of the log whose records are all older than so many days are removed; 0 keeps all"))))
        compresses =
            try reader.choice(
                "log.compress", "none", of: ["none", "zstd"], "how files of the log are compressed once another follows"
            ) == "zstd"
    }
}

extension FederationConfiguration {
    init(_ reader: ConfigurationReader, seed: UInt64, stop: StopCondition) throws {
        self.init(
            seed: seed, mode: try Mode(reader),
            concurrency: try reader.integer(
                "federation.concurrency", 0, 0...1_000_000, "the most tasks given out at a time; 0 for no limit"),
            order: DispatchOrder(
                rawValue: try reader.choice(
                    "federation.order", DispatchOrder.inTurn.rawValue, of: DispatchOrder.allCases.map(\.rawValue),
                    "which idle client gets the next task: one not asked yet in this turn, which ends when all idle clients"
                        + " were asked; or any at random"))!,
            stalenessWeight: try StalenessWeight(reader),
            maximumStaleness: try reader.integer(
                "federation.maximum_staleness", 100, 0...100_000,
                "updates that started more versions ago are refused; as many states are kept in memory"),
            clientsToStart: try reader.integer(
                "federation.clients_to_start", 1, 1...1_000_000, "no task is given out before this many clients came"),
            maximumClients: try reader.integer(
                "federation.maximum_clients", 10_000, 1...1_000_000, "the most clients that may take part"),
            lease: try reader.seconds(
                "federation.lease_seconds", 10, 0.1...86_400, "a client not heard from for this long is lost"),
            heartbeat: try reader.seconds(
                "federation.heartbeat_seconds", 2, 0.05...86_400, "clients show a sign of life this often"),
            beacon: try reader.seconds(
                "federation.beacon_seconds", 1, 0.05...86_400, "the aggregator shows a sign of life this often"),
            stop: stop,
            precision: Precision(
                rawValue: try reader.choice(
                    "federation.precision", Precision.float32.rawValue, of: Precision.allCases.map(\.rawValue),
                    "how prompts and updates travel; float16 halves the bytes"))!,
            checks: try UpdateChecks(reader),
            failuresAllowed: try reader.integer(
                "federation.failures_allowed", 5, 0...1_000_000,
                "a client is asked no more after so many failed tasks in a row, until it starts again; 0 for no bound"),
            flushBesideValues: try reader.integer(
                "federation.flush_beside_values", 16_384, 0...1 << 40,
                "a version whose updates have so many values or more is computed beside all else: messages are answered"
                    + " and tasks given meanwhile"))
        reader.require(
            clientsToStart <= maximumClients,
            "federation.clients_to_start: expected at most federation.maximum_clients (\(maximumClients)), found"
                + " \(clientsToStart): no task would ever be given out")
        reader.require(
            heartbeat * 2 <= lease,
            "federation.heartbeat_seconds: expected at most half of federation.lease_seconds"
                + " (\(lease / .seconds(1))), found \(heartbeat / .seconds(1)): clients would be lost between two"
                + " heartbeats")
    }
}

extension UpdateChecks {
    init(_ reader: ConfigurationReader) throws {
        self.init(
            maximumNorm: try reader.number(
                "federation.maximum_update_norm", 0, 0...1e30,
                "updates that change more are refused (Euclidean norm over all values); 0 for no bound"),
            maximumSampleCount: try reader.integer(
                "federation.maximum_sample_count", 10_000_000, 0...1 << 40,
                "updates that claim more samples are refused; 0 for no bound"),
            quarantineAfter: try reader.integer(
                "federation.quarantine_after", 5, 0...1_000_000,
                "a client takes no further part after so many invalid updates in a row; 0 for never"))
    }
}

extension Mode {
    init(_ reader: ConfigurationReader) throws {
        let name = try reader.choice(
            "federation.mode", "buffered", of: ["buffered", "synchronous", "continuous"], "when a new version is made")
        let buffered = Buffered(
            size: try reader.integer(
                "federation.buffer_size", 5, 1...1_000_000, "buffered: updates that make a version"),
            flushAfter: RunConfiguration.optional(
                try reader.seconds(
                    "federation.flush_after_seconds", 30, 0...1e6,
                    "buffered: a version comes at the latest this long after the first update; 0 waits")))
        let synchronous = Synchronous(
            cohort: try reader.integer(
                "federation.cohort", 10, 1...1_000_000, "synchronous: updates that complete a round"),
            overSelection: try reader.number(
                "federation.over_selection", 0, 0...10,
                "synchronous: further clients asked, as a fraction of the cohort"),
            quorum: try reader.integer(
                "federation.quorum", 1, 1...1_000_000,
                "synchronous: the fewest updates that end a round at its deadline"),
            deadline: try reader.seconds(
                "federation.deadline_seconds", 60, 0.01...1e6, "synchronous: when a round ends without its stragglers"),
            late: LateUpdates(
                rawValue: try reader.choice(
                    "federation.late_updates", "discard", of: LateUpdates.allCases.map(\.rawValue),
                    "synchronous: what happens to an update that missed its round"))!)
        switch name {
        case "synchronous":
            reader.require(
                synchronous.quorum <= synchronous.cohort,
                "federation.quorum: expected at most federation.cohort (\(synchronous.cohort)), found"
                    + " \(synchronous.quorum)")
            self = .synchronous(synchronous)
        case "continuous": self = .continuous
        default: self = .buffered(buffered)
        }
    }

    private typealias LateUpdates = Synchronous.LateUpdates
}

extension StalenessWeight {
    init(_ reader: ConfigurationReader) throws {
        let name = try reader.choice(
            "federation.staleness_weight", "inverse-sqrt", of: ["constant", "polynomial", "hinge", "inverse-sqrt"],
            "how much an update counts that started t versions ago")
        let exponent = try reader.number(
            "federation.staleness_exponent", 0.5, 0...100, "polynomial: a of (1 + t)^-a")
        let slope = try reader.number(
            "federation.staleness_slope", 10, 0...1e6, "hinge: a of 1 / (a (t - b) + 1)")
        let grace = try reader.integer(
            "federation.staleness_grace", 4, 0...1_000_000, "hinge: b, the versions without a loss of weight")
        switch name {
        case "constant": self = .constant
        case "polynomial": self = .polynomial(exponent: exponent)
        case "hinge": self = .hinge(slope: slope, grace: grace)
        default: self = .inverseSquareRoot
        }
    }
}

extension TrainingPlan {
    init(_ reader: ConfigurationReader) throws {
        self.init()
        epochs = try reader.integer("training.epochs", 1, 1...10_000, "passes over a client's samples in a task")
        maximumSteps = try reader.integer(
            "training.maximum_steps", 0, 0...10_000_000, "the most optimizer steps of a task; 0 for no bound")
        batchSize = try reader.integer("training.batch_size", 16, 1...4096, "images a step")
        optimizer = Optimizer(
            rawValue: try reader.choice(
                "training.optimizer", "adam", of: Optimizer.allCases.map(\.rawValue), "how values move"))!
        promptLearningRate = try reader.number(
            "training.prompt_learning_rate", 1e-3, 0...100, "step size for prompts and key projection")
        headLearningRate = try reader.number("training.head_learning_rate", 1e-3, 0...100, "step size for the head")
        momentum = try reader.number("training.momentum", 0.9, 0...0.99999, "decay of the first moment")
        secondMomentDecay = try reader.number(
            "training.second_moment_decay", 0.98, 0...0.99999, "decay of Adam's second moment")
        weightDecay = try reader.number("training.weight_decay", 0, 0...10, "weight decay")
        gradientClip = try reader.number(
            "training.gradient_clip", 0, 0...1e6, "the most norm of a step's gradient; 0 for no bound")
        promptsPerBatch = try reader.integer(
            "training.prompts_per_batch", 10, 0...100_000, "prompts that a batch picks from the pool; 0 for all")
        similarityWeight = try reader.number(
            "training.similarity_weight", 0.01, -100...100,
            "similarity of picked prompts and class features in the loss; below 0 draws them together")
        proximalWeight = try reader.number("training.proximal_weight", 0, 0...100, "mu of FedProx")
        logitAdjustment = try reader.number(
            "training.logit_adjustment", 0, 0...10,
            "how much the client's own class frequencies are added to the logits while it tunes")
        classBalance = try reader.number(
            "training.class_balance", 0, 0...0.999999,
            "beta of the class-balanced loss; 0 weighs all images alike, near 1 all classes of the client")
        headDropout = try reader.number(
            "training.head_dropout", 0, 0...0.99, "share of the head's hidden values that a step drops")
    }
}

extension LearningRateSchedule {
    /// - Parameter runVersions: where the run ends, 0 for never.
    init(_ reader: ConfigurationReader, runVersions: Int) throws {
        let name = try reader.choice(
            "training.schedule", "constant", of: ["constant", "cosine", "linear", "step"],
            "how the learning rates fall from version to version")
        let given = try reader.integer(
            "training.schedule_versions", 0, 0...Int.max,
            "cosine and linear: the version at which the rates are lowest; 0 for run.versions")
        let floor = try reader.number(
            "training.schedule_floor", 0, 0...1, "cosine and linear: the share of the rates that is left then")
        let interval = try reader.integer(
            "training.schedule_interval", 10, 1...Int.max, "step: versions from one fall to the next")
        let factor = try reader.number("training.schedule_factor", 0.5, 0...1, "step: what is left after a fall")
        let versions = given > 0 ? given : runVersions
        reader.require(
            versions > 0 || name != "cosine" && name != "linear",
            "training.schedule_versions: expected at least 1 with training.schedule \(name) and run.versions 0, found 0"
        )
        switch name {
        case "cosine": self = .cosine(versions: versions, floor: floor)
        case "linear": self = .linear(versions: versions, floor: floor)
        case "step": self = .step(interval: interval, factor: factor)
        default: self = .constant
        }
    }
}

extension RunConfiguration.Head {
    init(_ reader: ConfigurationReader) throws {
        hidden = try reader.integer("head.hidden", 0, 0...65_536, "values of a hidden layer; 0 for a linear head")
        onClassifier = try reader.flag(
            "head.on_classifier", false,
            "read the outputs of the encoder's own frozen classifier (torchvision, timm), not the class feature")
        personal = try reader.flag("head.personal", false, "every client keeps a head of its own and does not send it")
    }
}

extension RunConfiguration.DataSource {
    /// What `dataset` is where nothing is divided.
    package static let undivided = "none"

    /// Whether images of one data set are divided over the clients, some of them held out.
    package var isDivided: Bool { dataset != Self.undivided }

    init(_ reader: ConfigurationReader, seed: UInt64) throws {
        classes = try reader.names(
            "model.classes",
            "the classes in order: a list, or a file with a name on each line, a folder, a manifest or a table to take them"
                + " from; empty for those of data.dataset"
        ) { try ClassList(from: $0).names }.map(ClassList.init)
        let expected = "\(DatasetName.expected); or \(Self.undivided) where every client has data of its own"
        dataset = try reader.text(
            "data.dataset", classes == nil ? "fashion-mnist" : Self.undivided, expected: expected,
            "the data set that is divided over the clients: \(expected)"
        ) { $0 == Self.undivided || DatasetName($0) != nil }
        heldOut = try reader.number(
            "data.held_out", 0.2, 0...0.9,
            "the share of each class that a client with data of its own holds out; it counts where none are marked for"
                + " the test")
        path = try reader.text(
            "data.path", "",
            "the folder that holds it, and no other; empty for those of IMPROMPTU_DATA, then for where Debian puts it")
        let choices = UnreadableImages.allCases.map(\.rawValue)
        unreadable = UnreadableImages(
            rawValue: try reader.choice(
                "data.unreadable", UnreadableImages.refuse.rawValue, of: choices,
                "what becomes of image files that cannot be read"))!
        trainingSamples = try reader.integer(
            "data.training_samples", 0, 0...Int.max, "training images divided over the clients; 0 for all")
        validationSamples = try reader.integer(
            "data.validation_samples", 1000, 0...Int.max, "images of the training split that are held out")
        testSamples = try reader.integer("data.test_samples", 0, 0...Int.max, "images of the test split; 0 for all")
        clients = try reader.integer("data.clients", 20, 1...100_000, "clients that the data is divided over")
        partition = try reader.choice(
            "data.partition", "dirichlet", of: ["iid", "dirichlet", "imbalance"], "how the classes are divided")
        alpha = try reader.number("data.alpha", 0.1, 1e-4...1e6, "dirichlet: concentration; smaller is more skewed")
        minimumSamples = try reader.integer(
            "data.minimum_samples", 32, 1...1_000_000, "dirichlet: every client gets at least this many")
        bySource = try reader.flag(
            "data.by_source", false,
            "each client holds images of one source alone (a data set of several, a domain), divided as data.partition says"
        )
        imbalanceFactor = try reader.number(
            "data.imbalance_factor", 1, 1...1e6,
            "long tail: the training images of the first class over those of the last; 1 for none")
        self.seed = try reader.seed("data.seed", seed, "seeds the partition and the splits")
        let (each, key) = partition == "dirichlet" ? (minimumSamples, " times data.minimum_samples") : (1, "")
        reader.require(
            !isDivided || trainingSamples == 0 || trainingSamples >= clients * each,
            "data.training_samples: expected 0 or at least data.clients\(key) (\(clients * each)), found"
                + " \(trainingSamples)")
    }
}

extension RunConfiguration.DataSource {
    /// Asks for something to take classes and images from.
    func check(whitening: Bool, _ reader: ConfigurationReader) {
        reader.require(
            isDivided || classes != nil,
            "model.classes: expected the names of the classes with data.dataset \(Self.undivided), found none")
        reader.require(
            isDivided || !whitening,
            "prompts.feature_whitening: expected none with data.dataset \(Self.undivided), found validation")
    }
}

extension RunConfiguration {
    /// - Throws: `ConfigurationError` where a worker would have no images.
    package func requireDivided() throws {
        guard data.isDivided else {
            throw ConfigurationError(
                "data.dataset: found \(data.dataset), so a worker expects data of its own: --client NAME --data PATH, or"
                    + " worker.clients")
        }
    }
}

extension RunConfiguration.Worker {
    /// The name of the worker's key where it hosts one client with data of its own.
    package var key: String? { clients.count == 1 ? clients[0].name.name : nil }

    static func sites(_ reader: ConfigurationReader) throws -> [Site] {
        try reader.rest(of: "worker.clients").map { name, data in
            guard ClientID.isName(name) else {
                throw ConfigurationError("worker.clients: expected names of \(ClientID.naming), found '\(name)'")
            }
            guard !data.isEmpty else {
                throw ConfigurationError("worker.clients.\(name): expected the path of its images, found none")
            }
            return Site(name: ClientID(name), data: data)
        }
    }
}

extension RunConfiguration.Evaluation {
    init(_ reader: ConfigurationReader) throws {
        interval = RunConfiguration.optional(
            try reader.seconds(
                "evaluation.interval_seconds", 10, 0...1e6,
                "least time between evaluations on the validation split; 0 for none"))
        clientVersions = try reader.integer(
            "evaluation.client_versions", 10, 0...1_000_000,
            "clients that hold images out evaluate every so many versions, and the last one; 0 for never")
        threads = try reader.integer("evaluation.threads", 1, 1...256, "threads of an evaluation")
        selection = PromptSelectionRule(
            rawValue: try reader.choice(
                "evaluation.selection", PromptSelectionRule.instance.rawValue,
                of: PromptSelectionRule.allCases.map(\.rawValue),
                "prompts of an image that is evaluated or predicted: its own picks, or the vote of "
                    + "\(PromptSelectionRule.batchSize) consecutive images"))!
    }
}

extension RunConfiguration.Virtual {
    init(_ reader: ConfigurationReader) throws {
        imageSeconds = try reader.number(
            "simulation.image_seconds", 0.02, 0...3600, "virtual time to tune one image, in seconds")
        speedSpread = try reader.number(
            "simulation.speed_spread", 0, 0...5, "sigma of the logarithm of the clients' speeds")
        latency = try reader.seconds("simulation.latency_seconds", 0.01, 0...60, "one way over the network")
        evaluationUpdates = try reader.integer(
            "simulation.evaluation_updates", 0, 0...Int.max,
            "updates from one evaluation to the next; 0 goes by evaluation.interval_seconds")
        evaluatesTest = try reader.flag(
            "simulation.evaluate_test", false, "evaluate the test split as often as the validation split")
        dealsViews = try reader.flag(
            "simulation.deal_views", false,
            "where clients keep a part of the model: each evaluates its own share of the images, not all of them")
    }
}

extension DelayModel {
    init(_ reader: ConfigurationReader) throws {
        let name = try reader.choice(
            "worker.delay", "none", of: ["none", "constant", "exponential", "half-normal", "lognormal", "pareto"],
            "a delay added to each task, to try out stragglers")
        let median = try reader.number("worker.delay_seconds", 1, 0...86_400, "its scale, in seconds")
        let shape = try reader.number(
            "worker.delay_shape", 1, 0.01...100, "lognormal: sigma; pareto: the tail's exponent")
        self.init(name: name, scale: median, shape: shape)
    }
}
