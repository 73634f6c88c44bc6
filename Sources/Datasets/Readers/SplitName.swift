extension KnownDataset.Split {
    /// Names of a split, in lower case. Of those for the test the first that is there counts.
    static let trainNames = ["train", "training"]
    static let testNames = ["test", "testing", "val", "valid", "validation"]

    /// The split that a folder's name, or a word in a manifest, stands for; capitals do not matter.
    init?(name: String) {
        let name = name.lowercased()
        if Self.trainNames.contains(name) {
            self = .train
        } else if Self.testNames.contains(name) {
            self = .test
        } else {
            return nil
        }
    }
}
