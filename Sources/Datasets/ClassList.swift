import Text

/// The classes of a federation, in the order in which all its participants number them.
public struct ClassList: Hashable, Sendable {
    public let names: [String]

    /// - Throws: `DatasetError.unsuitable` for no name, an empty one, or one that occurs twice.
    public init(_ names: [String]) throws(DatasetError) {
        guard !names.isEmpty else { throw .unsuitable("class list: expected one or more names, found none") }
        var places: [String: Int] = [:]
        for (place, name) in names.enumerated() {
            guard name.contains(where: { !$0.isWhitespace }) else {
                throw .unsuitable("class list: expected a name as class \(place), found '\(name)'")
            }
            if let other = places.updateValue(place, forKey: name) {
                throw .unsuitable("class list: expected each name once, found '\(name)' as class \(other) and \(place)")
            }
        }
        self.names = names
    }

    /// What names that differ in capitals or blanks alone are, in a sentence; nil where there are none. They are classes of
    /// their own, and seldom meant to be.
    public static func doubt(about names: [String]) -> String? {
        let groups = Dictionary(grouping: names) { name in
            name.split(whereSeparator: \.isWhitespace).joined(separator: " ").lowercased()
        }
        let doubled = groups.values.filter { $0.count > 1 }
        let alike = Dictionary(uniqueKeysWithValues: doubled.map { ($0[0], $0) })
        guard !alike.isEmpty else { return nil }
        let pairs = names.compactMap { alike[$0] }.map { $0.map { "'\($0)'" }.joined(separator: " and ") }
        return "\(listed(pairs)) differ in capitals or blanks alone, and count as classes of their own"
    }

    /// How a participant's own classes are numbered in the list.
    public struct Match: Hashable, Sendable {
        /// The number in the list of each own class.
        public var places: [Int]
        /// Classes of the list that the participant lacks, in the list's order. It may.
        public var missing: [String]
    }

    /// Finds classes by their names, which must be the same letter by letter.
    ///
    /// - Parameter owner: for the error: whose classes they are, such as a folder.
    /// - Throws: `DatasetError.unsuitable` for a class that the list does not have.
    public func match(_ own: [String], of owner: String) throws(DatasetError) -> Match {
        let numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
        var places: [Int] = []
        for name in own {
            guard let place = numbers[name] else {
                throw .unsuitable(
                    "\(owner): expected classes of the federation, \(listed(names, most: 20)), found '\(name)'"
                        + suggestion(for: name, among: names))
            }
            places.append(place)
        }
        let present = Set(places)
        return Match(places: places, missing: names.indices.filter { !present.contains($0) }.map { names[$0] })
    }
}

extension ImageDataset {
    /// The same images, their classes numbered by a federation's list.
    /// - Throws: `DatasetError.unsuitable` for a class that the list does not have.
    public func numbered(by classes: ClassList) throws(DatasetError) -> ImageDataset {
        relabelled(try classes.match(classNames, of: name).places, classNames: classes.names)
    }
}
