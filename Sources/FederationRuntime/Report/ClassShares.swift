/// How many images of each class each client of a run has.
struct ClassShares {
    struct Client {
        var name: String
        /// By class.
        var counts: [Int]
    }
    var classNames: [String]
    var clients: [Client]
}
