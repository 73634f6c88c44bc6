/// Names for a sentence, the first few of many.
func listed(_ names: [String], most: Int = 6) -> String {
    names.prefix(most).joined(separator: ", ") + (names.count > most ? " and \(names.count - most) more" : "")
}
