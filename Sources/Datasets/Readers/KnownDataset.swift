/// The data sets that can be loaded by name.
public enum KnownDataset: String, Hashable, Sendable, CaseIterable {
    /// 28 x 28 gray, 10 classes, 60,000 + 10,000 (Xiao, Rasul, Vollgraf 2017). IDX.
    case fashionMNIST = "fashion-mnist"
    /// 28 x 28 gray, 10 digits, 60,000 + 10,000 (LeCun et al. 1998). IDX.
    case mnist
    /// 32 x 32, 10 digits on photographs (Ganin et al. 2016). In CIFAR-10's layout: `train.bin`, `test.bin`.
    case mnistM = "mnist-m"
    /// 32 x 32, 10 classes, 50,000 + 10,000 (Krizhevsky 2009). Its binary version.
    case cifar10
    /// 32 x 32, 100 classes, 50,000 + 10,000 (Krizhevsky 2009). Its binary version, fine labels.
    case cifar100
    /// 48 x 48 gray, 7 emotions (Goodfellow et al. 2013). One label byte and the pixels: `train.bin`, `test.bin`.
    case fer2013
    /// Questions of a bank's customers, 77 intents, 10,003 + 3,080 (Casanueva et al. 2020; CC BY 4.0). `train.csv`,
    /// `test.csv` with the columns text and label.
    case banking77
    /// Questions by what they ask for, 6 classes, 5,452 + 500 (Li and Roth 2002). As banking77, labels from 0.
    case trec6
    /// Sentences of film reviews, 2 classes, 6,920 + 1,821 (Socher et al. 2013). As banking77, labels from 0.
    case sst2

    /// A part of a data set that stands by itself.
    public enum Split: String, Hashable, Sendable, CaseIterable { case train, test }

    /// Loads a split from the first of the folders that holds it.
    public func load(
        _ split: Split, from folders: DatasetFolders = DatasetFolders()
    ) throws(DatasetError) -> ImageDataset {
        let files = try folders.locate(rawValue, files(of: split), remedy: remedy)
        switch self {
        case .fashionMNIST, .mnist:
            return try .idx(name: rawValue, classNames: classNames, images: files[0], labels: files[1])
        case .mnistM, .cifar10:
            return try .records(
                name: rawValue, classNames: classNames, files: files, height: 32, width: 32, channels: 3)
        case .cifar100:
            return try .records(
                name: rawValue, classNames: classNames, files: files, height: 32, width: 32, channels: 3,
                labelBytes: 2, labelByte: 1)
        case .fer2013:
            return try .records(
                name: rawValue, classNames: classNames, files: files, height: 48, width: 48, channels: 1)
        case .banking77, .trec6, .sst2: return try loadTexts(split, from: files[0])
        }
    }

    /// The names that a split's files may have.
    private func files(of split: Split) -> [[String]] {
        let bin = ["\(split).bin"]
        switch self {
        case .fashionMNIST, .mnist:
            let start = split == .train ? "train" : "t10k"
            return [["\(start)-images-idx3-ubyte", "\(start)-labels-idx1-ubyte"]]
        case .cifar10:
            return [split == .train ? (1...5).map { "data_batch_\($0).bin" } : ["test_batch.bin"], bin]
        case .mnistM, .cifar100, .fer2013:
            return [bin]
        case .banking77, .trec6, .sst2: return [["\(split).csv"]]
        }
    }

    private var remedy: String {
        switch self {
        case .fashionMNIST:
            "Deploy/setup or 'apt install dataset-fashion-mnist' provides it; \(DatasetFolders.variable) names other "
                + "folders."
        default: "Put its files into one of these folders, or name their folder in \(DatasetFolders.variable)."
        }
    }

    public var classNames: [String] {
        switch self {
        case .fashionMNIST:
            [
                "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag",
                "ankle boot",
            ]
        case .mnist, .mnistM: (0...9).map(String.init)
        case .cifar10:
            ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
        case .cifar100: Self.cifar100ClassNames
        case .banking77: Self.banking77ClassNames
        case .trec6: ["description", "entity", "abbreviation", "human", "location", "number"]
        case .sst2: ["negative", "positive"]
        case .fer2013: ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
        }
    }

    private static let cifar100ClassNames = """
        apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can \
        castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin \
        elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster \
        man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck \
        pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk \
        skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger \
        tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm
        """.split(separator: " ").map(String.init)
}
